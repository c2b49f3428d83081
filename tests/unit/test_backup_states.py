"""What parts have besides etcd, in backups of the cluster: in real bash, with a stand-in for the part.

A real database: tests/scripts/test_control_plane_years.py.
"""

from pathlib import Path

import pytest

from tests.unit.backup_plane import Plane

pytestmark = pytest.mark.row("K11")

STATE = """#!/bin/bash
case $1 in
    save) cat "$0.data" >"$2/data" ;;
    restore) cp "$2/data" "$0.data"; echo "gave back: $(<"$2/data")" ;;
esac
"""


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    return Plane(tmp_path)


def test_what_parts_have_besides_etcd_is_in_it_and_goes_back_alone(plane: Plane) -> None:
    place = "usr/local/lib/gpu-metal-backup/states"
    plane.file(f"{place}/runai", STATE.replace("$0.data", f"{plane.root}/data"), 0o755)
    plane.file("data", "projects of Run:ai")
    file = plane.backup()
    plane.file("data", "lost")
    assert plane.run("restore", str(file), "nauta") == (
        1,
        f"{file.name} has no state of nauta; it has: runai. Nothing was changed.\n",
    )
    status, said = plane.run("restore", str(file), "runai")
    assert (status, said) == (0, f"gave back: projects of Run:ai\nWhat runai had in {file.name} is back.\n")
    assert (plane.root / "data").read_text() == "projects of Run:ai"


def test_a_part_that_cannot_be_saved_keeps_nobody_from_a_backup_and_is_said(plane: Plane) -> None:
    place = "usr/local/lib/gpu-metal-backup/states"
    plane.file(f"{place}/runai", "#!/bin/bash\necho the database does not answer >&2\nexit 1\n", 0o755)
    status, said = plane.run("backup")
    [file] = plane.share.iterdir()
    assert status == 0
    assert "it has not the state of runai: the database does not answer" in said
    without = plane.root / "var/lib/gpu-metal-backup/without"
    assert without.read_text() == "runai: the database does not answer\n"
    assert (plane.root / "var/lib/gpu-metal-backup/last").read_text().split()[-1].endswith(file.name)
    plane.file(f"{place}/runai", "#!/bin/bash\n", 0o755)
    file = plane.backup()
    assert not without.exists()
    assert plane.run("restore", str(file), "runai") == (
        1,
        f"{file.name} has no state of runai; it has: none. Nothing was changed.\n",
    )
