"""What the step of the folders gives back, in real bash. That users reach them: ../scripts."""

from pathlib import Path

import pytest

from components.parts.samba import steps
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("N3")

STEP = Path(steps.__file__).parent / "steps/samba_folders.sh"


def test_each_folder_gets_back_its_own_mode(tmp_path: Path) -> None:
    """A point in a name is a point."""
    host = StepHost(tmp_path)
    folders = [host.path(f"/srv/{name}") for name in ("a.b", "a-b", "axb")]
    record = ""
    for folder, mode in zip(folders, (0o750, 0o755, 0o711), strict=True):
        folder.mkdir(parents=True)
        folder.chmod(0o2775)
        at = folder.stat()
        record += f"{folder} {at.st_uid}:{at.st_gid} {mode:o}\n"
    host.file("/home/samba-folders", record)
    assert host.call(STEP, "undo", {"homes": "", "shared": ""}) == (0, "")
    assert [f"{folder.stat().st_mode & 0o7777:o}" for folder in folders] == ["750", "755", "711"]


def test_what_was_there_is_noted_once_also_in_a_long_list(tmp_path: Path) -> None:
    """With hundreds of users it comes in pieces: who has found the first line must read the others, too."""
    host = StepHost(tmp_path)
    host.program("getent", "echo gm-samba:x:999:ana")
    for name in ("chgrp", "setpriv", "id"):
        host.program(name, "exit 0")
    host.program("cut", '/usr/bin/cut "$@" | { read -r one; echo "$one"; sleep 0.3; cat; }')
    folder = host.path("/srv/data")
    folder.mkdir(parents=True)
    record = f"{folder} 0:0 711\n{host.path('/srv')} 0:0 755\n"
    host.file("/home/samba-folders", record)
    inputs = {"homes": "", "shared": str(folder), "users": "ana"}
    assert host.call(STEP, "apply", inputs, bulk={"access": f"ana w {folder}"}) == (0, "")
    assert host.path("/home/samba-folders").read_text().splitlines()[:2] == record.splitlines()
    assert host.path("/home/samba-folders").read_text().count(f"{folder} ") == 1
