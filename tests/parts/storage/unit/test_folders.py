"""Folders of volumes on the share's host, in a folder. Does not prove: owners other than ours; ../scripts does."""

import os
from pathlib import Path

import pytest

from components.parts.storage import steps
from tests.unit.step_host import StepHost

FOLDERS = Path(steps.__file__).parent / "steps/nfs_folders.sh"
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="owners of folders: root only")
LINK = "which is a link or is behind one, and a volume wants a folder. Fix: remove the link"


def call(host: StepHost, function: str, share: Path) -> tuple[int, str]:
    lines = f"{os.getuid()}:{os.getgid()} 2770 vision/output\n- - plain"
    return host.call(FOLDERS, function, {"path": str(share), "mount": ""}, bulk={"folders": lines})


@pytest.mark.row("S2")
def test_folders_are_made_with_their_mode_and_given_back(tmp_path: Path) -> None:
    host, share = StepHost(tmp_path / "host"), tmp_path / "share"
    (share / "vision/output").mkdir(parents=True, mode=0o755)
    (share / "vision/output/data").touch()
    assert call(host, "apply", share) == (0, "")
    assert call(host, "check", share) == (0, "")
    assert oct((share / "vision/output").stat().st_mode) == "0o42770"
    assert call(host, "undo", share) == (0, "")
    assert oct((share / "vision/output").stat().st_mode) == "0o40755"
    assert (share / "vision/output/data").exists()
    assert not (share / "plain").exists()


@pytest.mark.row("S2")
def test_a_link_that_comes_after_the_look_is_not_followed(tmp_path: Path) -> None:
    host, share, other = StepHost(tmp_path / "host"), tmp_path / "share", tmp_path / "other"
    share.mkdir()
    other.mkdir(mode=0o700)
    host.program("chown", f"mv {share}/vision/output {share}/moved && ln -s {other} {share}/vision/output")
    assert call(host, "apply", share) == (0, "")
    assert oct(other.stat().st_mode) == "0o40700"
    status, said = call(host, "check", share)
    assert (status, LINK in said) == (10, True)


@pytest.mark.row("S2")
def test_each_folder_gets_back_its_own_mode(tmp_path: Path) -> None:
    """A point in a name is a point."""
    host, share, names = StepHost(tmp_path / "host"), tmp_path / "share", ("a.b", "a-b")
    for name in names:
        (share / name).mkdir(parents=True, mode=0o755)
    lines = "\n".join(f"- 2770 {name}" for name in names)
    for function in ("apply", "undo"):
        words = {"path": str(share), "mount": ""}
        assert host.call(FOLDERS, function, words, bulk={"folders": lines}) == (0, "")
    assert [oct((share / name).stat().st_mode) for name in names] == ["0o40755"] * 2


@pytest.mark.row("S2")
def test_what_was_there_is_noted_once_also_in_a_long_list(tmp_path: Path) -> None:
    """It comes in pieces: who has found the first line must read the others, too."""
    host, share = StepHost(tmp_path / "host"), tmp_path / "share"
    host.program("cut", '/usr/bin/cut "$@" | { read -r one; echo "$one"; sleep 0.3; cat; }')
    (share / "plain").mkdir(parents=True)
    (share / "second").mkdir()
    record = "plain absent\nsecond absent\n"
    host.file("/home/storage-folders", record)
    words = {"path": str(share), "mount": ""}
    assert host.call(FOLDERS, "apply", words, bulk={"folders": "- - plain\n- - second"}) == (0, "")
    assert host.path("/home/storage-folders").read_text() == record


@pytest.mark.row("S2", "N8")
def test_a_folder_of_somebody_else_with_files_stays_theirs(tmp_path: Path) -> None:
    host, share = StepHost(tmp_path / "host"), tmp_path / "share"
    theirs = share / "theirs"
    theirs.mkdir(parents=True)
    (theirs / "file").touch()
    # Whose it is: a test need not be root's.
    asked = f"-c %u:%g {theirs}"
    host.program("stat", f'if [[ $* == "{asked}" ]]; then cat {tmp_path}/owner; else exec /usr/bin/stat "$@"; fi')
    host.program("chown", f"echo 2000:2000 >{tmp_path}/owner")
    (tmp_path / "owner").write_text("3000:3000\n")
    words, folders = {"path": str(share), "mount": ""}, {"folders": "2000:2000 - theirs"}
    status, says = host.call(FOLDERS, "apply", words, bulk=folders)
    assert status == 10
    assert f"has {theirs} of 3000:3000, with files, and the site's volume wants it for 2000:2000. Nothing was" in says
    assert 'Fix: write owner: "3000:3000" for that volume, or another path; or, if the files are 2000:2000\'s: ' in says
    assert says.endswith(f"chown -R 2000:2000 {theirs}")
    assert (tmp_path / "owner").read_text() == "3000:3000\n"
    (theirs / "file").unlink()
    assert host.call(FOLDERS, "apply", words, bulk=folders) == (0, "")
    assert (tmp_path / "owner").read_text() == "2000:2000\n"


def give(host: StepHost, function: str, share: Path, owner: str) -> tuple[int, str]:
    lines = f"+{owner} 0700 people/ana"
    return host.call(FOLDERS, function, {"path": str(share), "mount": ""}, bulk={"folders": lines})


@ROOT
@pytest.mark.row("S2", "T5")
def test_a_persons_folder_is_made_once_and_theirs_from_then_on(tmp_path: Path) -> None:
    host, share = StepHost(tmp_path / "host"), tmp_path / "share"
    share.mkdir()
    assert give(host, "apply", share, "2001:2001") == (0, "")
    folder = share / "people/ana"
    seen = folder.stat()
    assert (seen.st_uid, seen.st_gid, oct(seen.st_mode)) == (2001, 2001, "0o40700")
    folder.chmod(0o750)
    (folder / "data").touch()
    for function in ("check", "apply", "undo"):
        assert give(host, function, share, "2001:2001") == (0, "")
        assert (folder.stat().st_uid, oct(folder.stat().st_mode)) == (2001, "0o40750")


@ROOT
@pytest.mark.row("S2", "T5")
@pytest.mark.parametrize(("uid", "files"), [(2007, False), (0, True)], ids=["somebody's", "root's, with files"])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, uid: int, files: bool) -> None:
    host, share = StepHost(tmp_path / "host"), tmp_path / "share"
    folder = share / "people/ana"
    folder.mkdir(parents=True)
    if files:
        (folder / "data").touch()
    os.chown(folder, uid, uid)
    status, said = give(host, "apply", share, "2001:2001")
    assert status != 0
    assert f"has {folder} of {uid}:{uid}, wants it for 2001:2001. Fix: chown -R 2001:2001 {folder}, if its" in said
    assert folder.stat().st_uid == uid
    assert give(host, "undo", share, "2001:2001") == (0, "")
    assert folder.stat().st_uid == uid


@ROOT
@pytest.mark.row("S2", "T5")
def test_everybodys_folder_is_made_and_one_that_is_there_is_left_alone(tmp_path: Path) -> None:
    host, share = StepHost(tmp_path / "host"), tmp_path / "share"
    (share / "old").mkdir(parents=True)
    os.chown(share / "old", 2001, 3000)
    words, bulk = {"path": str(share), "mount": ""}, {"folders": "+0:0 1777 new\n+0:0 1777 old"}
    for function in ("apply", "check"):
        assert host.call(FOLDERS, function, words, bulk=bulk) == (0, "")
    assert oct((share / "new").stat().st_mode) == "0o41777"
    assert ((share / "old").stat().st_uid, oct((share / "old").stat().st_mode)) == (2001, "0o40755")


@ROOT
@pytest.mark.row("S2", "T5")
def test_an_empty_folder_of_root_becomes_the_persons(tmp_path: Path) -> None:
    host, share = StepHost(tmp_path / "host"), tmp_path / "share"
    (share / "people/ana").mkdir(parents=True)
    assert give(host, "apply", share, "2001:2001") == (0, "")
    assert give(host, "undo", share, "2001:2001") == (0, "")
    assert (share / "people/ana").stat().st_uid == 2001
