"""Clocks that disagree: among the hosts, and with the machine that asks them."""

import pytest

from components.host import preflight
from components.host.preflight import Seen


@pytest.mark.parametrize(
    ("offsets", "said"),
    [
        ([0.4, 0.1], ["ok +0.3 s", "ok +0.0 s"]),
        ([9.0, 0.1, 0.2], ["failed 8.8 s ahead of the others, limit 2 s", "ok -0.1 s", "ok +0.0 s"]),
        ([-172800.0], ["note 2 days, 0:00:00 behind this machine's clock: certificates and package lists that are"]),
        ([3600.0, 3600.5], ["note 1:00:00 ahead of this machine's clock: ", "note 1:00:00 ahead of this machine's"]),
    ],
)
def test_clocks_are_compared_with_each_other_and_with_this_machine(offsets: list[float], said: list[str]) -> None:
    answers = {f"gpu-{number}": Seen({}, offset, 0.0) for number, offset in enumerate(offsets)}
    checks = list(preflight._clocks(answers))
    assert [f"{check.status} {check.saw}"[: len(text)] for check, text in zip(checks, said, strict=True)] == said
