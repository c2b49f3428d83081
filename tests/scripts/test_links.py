"""Files that an operator keeps elsewhere and links to: a step writes through the link, and undo brings both back."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scripts.runner_host import Host

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="owners of links: root only")


def linked(host: Host, target: Path) -> Path:
    """etc/b is a link to `target`."""
    path = host.path("b")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path


def test_a_step_writes_through_a_link_and_undo_brings_back_what_it_led_to(host: Host) -> None:
    target = host.root / "kept" / "b"
    target.parent.mkdir()
    target.write_text("theirs\n")
    target.chmod(0o604)
    path = linked(host, Path("../kept/b"))
    host.apply("base", host.file("b", "ours"))
    assert (path.readlink(), target.read_text(), target.stat().st_mode & 0o777) == (Path("../kept/b"), "ours\n", 0o640)
    assert "unchanged" in host.apply("base", host.file("b", "ours")).stderr
    assert host.run("undo", "base").returncode == 0
    assert (path.readlink(), target.read_text(), target.stat().st_mode & 0o777) == (
        Path("../kept/b"),
        "theirs\n",
        0o604,
    )
    assert [p.name for p in (*path.parent.iterdir(), *target.parent.iterdir())] == ["b", "b"]


def test_a_link_that_was_replaced_since_comes_back(host: Host) -> None:
    target = host.root / "theirs"
    target.write_text("theirs\n")
    path = linked(host, target)
    host.apply("base", host.file("b", "ours"))
    target.write_text("theirs\n")
    path.unlink()
    path.write_text("by hand\n")
    assert host.run("undo", "base").returncode == 0
    assert (path.readlink(), target.read_text()) == (target, "theirs\n")


def _missing(root: Path) -> Path:
    return root / "missing"


def _of_a_package(_: Path) -> Path:
    return Path("/usr/lib/os-release")


def _of_the_running_system(_: Path) -> Path:
    return Path("/proc/version")


def _of_root_by_a_users_link(root: Path) -> Path:
    (root / "root's").write_text("root's\n")
    (root / "user's").symlink_to(root / "root's")
    os.lchown(root / "user's", 1000, 1000)
    return root / "user's"


@pytest.mark.parametrize(
    "target", [_missing, _of_a_package, _of_the_running_system, pytest.param(_of_root_by_a_users_link, marks=ROOT)]
)
def test_a_link_that_must_not_be_followed_becomes_a_file_until_undo(host: Host, target: Callable[[Path], Path]) -> None:
    place = target(host.root)
    before = place.read_text() if place.exists() else None
    path = linked(host, place)
    host.apply("base", host.file("b", "ours"))
    assert not path.is_symlink()
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("ours\n", 0o640)
    assert (place.read_text() if place.exists() else None) == before
    assert host.run("undo", "base").returncode == 0
    assert path.readlink() == place
    assert (place.read_text() if place.exists() else None) == before


@ROOT
def test_a_users_link_to_his_own_file_is_followed(host: Host) -> None:
    target = host.root / "own"
    target.write_text("own\n")
    os.chown(target, 1000, 1000)
    path = linked(host, target)
    os.lchown(path, 1000, 1000)
    host.apply("base", host.file("b", "ours"))
    assert (path.is_symlink(), target.read_text()) == (True, "ours\n")
    assert host.run("undo", "base").returncode == 0
    assert (target.read_text(), target.stat().st_uid) == ("own\n", 1000)
