"""Room for a vendor's images on the host of the site's own registry.

Does not prove: how much df shows.
"""

from pathlib import Path

import pytest

from components.engine import registry
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("R2")

ROOM = Path(registry.__file__).parent / "steps/registry_room.sh"
INPUTS = {"folder": "/srv/registry", "free_gb": "20", "archives": "aa bb"}


def host(folder: Path, free: str) -> StepHost:
    made = StepHost(folder)
    made.file("/srv/there", "")
    made.program("df", f"printf 'Avail\\n{free}\\n'")
    return made


@pytest.mark.parametrize(("free", "fits"), [("20000000000", True), ("19999999999", False)])
def test_19_gb_are_refused_before_anything_is_pushed(tmp_path: Path, free: str, fits: bool) -> None:
    status, said = host(tmp_path, free).call(ROOM, "check", INPUTS)
    assert (status == 0) is fits
    assert fits or said.startswith(
        "has 19 GB free for /srv/registry, the registry's, and a vendor's images need 20 GB."
    )
    assert fits or "Nothing was pushed. Fix: make room there, give registry.folder another disk" in said


def test_an_archive_that_was_pushed_needs_no_room_again_and_another_one_does(tmp_path: Path) -> None:
    layer = {**INPUTS, "note": "yes"}
    roomy = host(tmp_path, "20000000000")
    assert roomy.call(ROOM, "check", layer)[0] == 10
    assert roomy.call(ROOM, "apply", layer) == (0, "")
    full = host(tmp_path, "5")
    assert full.call(ROOM, "check", layer) == full.call(ROOM, "check", INPUTS) == (0, "")
    assert full.call(ROOM, "check", {**layer, "archives": "aa cc"})[0] == 10
    assert full.call(ROOM, "undo", layer) == (0, "")
    assert full.call(ROOM, "check", INPUTS)[0] == 10
