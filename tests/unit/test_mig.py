"""What GPUs can be divided into. Does not prove: that a card takes the layout."""

import pytest

from components.gpu import mig


@pytest.mark.row("O5")
@pytest.mark.parametrize(
    ("model", "layout"),
    [
        ("A100-SXM4-80GB", {"1g.10gb": 7}),
        ("A100-SXM4-80GB", {"1g.20gb": 4}),
        ("A100-SXM4-40GB", {"3g.20gb": 2}),
        ("H100-80GB-HBM3", {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}),
        ("A30", {"2g.12gb": 1, "1g.6gb": 1, "1g.6gb+me": 1}),
        ("H200", {"7g.141gb": 1}),
        ("B200", {"4g.90gb": 1, "3g.90gb": 1}),
    ],
)
def test_a_gpu_can_be_divided_so(model: str, layout: dict[str, int]) -> None:
    assert list(mig.wrong(model, layout)) == []


@pytest.mark.row("O5")
@pytest.mark.parametrize(
    ("model", "layout", "why"),
    [
        ("A100-SXM4-80GB", {"1g.10gb": 8}, "takes 8 slices of compute, and a GPU has 7."),
        ("A100-SXM4-80GB", {"1g.20gb": 5}, "takes 10 slices of memory, and a GPU has 8."),
        ("A100-SXM4-80GB", {"3g.40gb": 2, "1g.10gb": 1}, "takes 9 slices of memory, and a GPU has 8."),
        ("A30", {"4g.24gb": 1, "1g.6gb": 1}, "takes 5 slices of compute, and a GPU has 4."),
        ("A100-SXM4-40GB", {"1g.10gb+me": 1}, "A100-SXM4-40GB has no profile 1g.10gb+me."),
        ("H200", {"1g.10gb": 1}, "H200 has no profile 1g.10gb. Write one of 1g.18gb,"),
        ("T4", {"1g.5gb": 1}, "T4 cannot be divided, or its profiles are not known here."),
        ("H200", {"1g.18gb+me": 2}, "has 2 instances with +me, and a GPU can have one."),
    ],
)
def test_a_gpu_cannot_be_divided_so(model: str, layout: dict[str, int], why: str) -> None:
    [text] = mig.wrong(model, layout)
    assert text.startswith(why)


def test_a_short_name_has_the_profiles_of_each_product() -> None:
    assert {"1g.10gb", "1g.12gb"} <= set(mig.profiles("H100"))
    assert mig.profiles("nothing") == ()
