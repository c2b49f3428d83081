"""Whether modprobe keeps nouveau away, with a made-up modprobe; tests/scripts asks hosts."""

from pathlib import Path

import pytest

from tests.scripts.functions import shell

pytestmark = pytest.mark.row("G2")

STEP = Path("components/gpu/steps/nouveau_gone.sh")
KEPT = "blacklist nouveau\noptions nouveau modeset=0\n"


def said(tmp_path: Path, shown: str) -> str:
    """What the check says where `modprobe --showconfig` prints that; empty if it holds."""
    (tmp_path / "gpu-metal-nouveau.conf").write_text(KEPT)
    step = tmp_path / "step.sh"
    step.write_text(STEP.read_text().replace("/etc/modprobe.d/gpu-metal", f"{tmp_path}/gpu-metal"))
    fakes = f"""modprobe() {{ [[ $* == --showconfig ]] && printf '%s' {shown!r} | sed 's/\\\\n/\\n/g'; }}
module_loaded() {{ false; }}; untrue() {{ printf '%s' "$*"; exit 10; }}"""
    return shell(step, f"{fakes}\n(check) || [[ $? == 10 ]]")


def test_other_files_may_say_more_but_not_otherwise(tmp_path: Path) -> None:
    assert said(tmp_path, f"options nvidia x=1\n{KEPT}alias a nouveau\n") == ""


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        (f"{KEPT}options nouveau modeset=1\n", "modeset=1"),
        (f"{KEPT}options nouveau debug=1 modeset=1 noaccel=0\n", "modeset=1"),
        ("options nouveau modeset=0\n", "modeset=0"),
        ("blacklist nouveau\n", "no modeset"),
    ],
)
def test_a_later_line_that_wins_is_said(tmp_path: Path, shown: str, seen: str) -> None:
    assert said(tmp_path, shown).startswith(
        f"modprobe does not keep nouveau away ({seen}), although {tmp_path}/gpu-metal"
    )
