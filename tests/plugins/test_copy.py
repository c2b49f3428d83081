"""remote.CopyToRemote's rules against a real sshd's SFTP."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from lab.plugins.command_provider.provider import COPY, make
from lab.plugins.values import UNKNOWN, Asset, Properties, Secret
from tests.plugins.driver import AbortedError, Driver
from tests.plugins.sshd import Host


@pytest.fixture
def copy(runner: asyncio.Runner) -> Driver:
    return Driver.start(runner, make, COPY)


def text(content: str) -> Asset:
    return Asset(False, {"hash": hashlib.sha256(content.encode()).hexdigest(), "text": content})


def path(local: Path | str, *, archive: bool = False, digest: str = "h") -> Asset:
    return Asset(archive, {"hash": digest, "path": str(local)})


def inputs(copy: Driver, host: Host, source: Any, remote: Path, **more: Any) -> Properties:
    return copy.checked({"connection": host.connection(), "source": source, "remotePath": str(remote), **more})


def test_a_text_is_written_with_its_parents(copy: Driver, host: Host, tmp_path: Path) -> None:
    remote = tmp_path / "a" / "b" / "file"
    object_id, state = copy.create(inputs(copy, host, text("content\n"), remote))
    assert remote.read_text() == "content\n"
    assert remote.stat().st_mode & 0o777 == 0o644
    assert len(object_id) == 8
    assert isinstance(state["connection"], Secret)


def test_a_file_is_truncated_in_place(copy: Driver, host: Host, tmp_path: Path) -> None:
    local, remote = tmp_path / "local", tmp_path / "remote"
    local.write_text("new")
    local.chmod(0o755)
    remote.write_text("something longer")
    inode = remote.stat().st_ino
    copy.create(inputs(copy, host, path(local), remote))
    assert (remote.read_text(), remote.stat().st_ino) == ("new", inode)
    assert remote.stat().st_mode & 0o777 == 0o644  # the source's mode does not travel


def test_a_file_goes_into_an_existing_folder(copy: Driver, host: Host, tmp_path: Path) -> None:
    (tmp_path / "local").write_text("text")
    (tmp_path / "folder").mkdir()
    copy.create(inputs(copy, host, path(tmp_path / "local"), tmp_path / "folder"))
    assert (tmp_path / "folder" / "local").read_text() == "text"


@pytest.mark.parametrize(("slash", "place"), [("", "target/source/deep/file"), ("/", "target/deep/file")])
def test_an_archive_that_is_a_folder(copy: Driver, host: Host, tmp_path: Path, slash: str, place: str) -> None:
    (tmp_path / "source" / "deep").mkdir(parents=True)
    (tmp_path / "source" / "deep" / "file").write_text("text")
    source = path(f"{tmp_path}/source{slash}", archive=True)
    copy.create(inputs(copy, host, source, tmp_path / "target"))
    assert (tmp_path / place).read_text() == "text"


def test_an_archive_file_is_not_unpacked(copy: Driver, host: Host, tmp_path: Path) -> None:
    (tmp_path / "all.tar.gz").write_bytes(b"\x1f\x8b whatever")
    copy.create(inputs(copy, host, path(tmp_path / "all.tar.gz", archive=True), tmp_path / "remote.tar.gz"))
    assert (tmp_path / "remote.tar.gz").read_bytes() == b"\x1f\x8b whatever"


def test_a_folder_onto_a_file_is_an_error(copy: Driver, host: Host, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "target").write_text("")
    with pytest.raises(AbortedError, match=r"target"):
        copy.create(inputs(copy, host, path(f"{tmp_path}/source/", archive=True), tmp_path / "target"))


def test_update_copies_only_another_hash_or_path(copy: Driver, host: Host, tmp_path: Path) -> None:
    remote = tmp_path / "file"
    _, state = copy.create(inputs(copy, host, text("one"), remote))
    remote.write_text("changed by hand")
    away = copy.checked({"connection": {"host": "not.a.host", "dialErrorLimit": 0}, "source": text("one"),
                         "remotePath": str(remote)})  # fmt: skip
    copy.update(state, away)  # another connection alone: no dialling
    assert remote.read_text() == "changed by hand"
    state = copy.update(state, inputs(copy, host, text("two"), remote))
    assert remote.read_text() == "two"
    copy.update(state, inputs(copy, host, text("two"), tmp_path / "moved"))
    assert (tmp_path / "moved").read_text() == remote.read_text() == "two"  # the old file stays


def test_delete_leaves_the_file(copy: Driver, host: Host, tmp_path: Path) -> None:
    _, state = copy.create(inputs(copy, host, text("stays"), tmp_path / "file"))
    copy.delete(state)
    assert (tmp_path / "file").read_text() == "stays"


def test_an_unknown_source_fails_check(copy: Driver) -> None:
    _, failures = copy.check({"connection": {"host": "h"}, "source": UNKNOWN, "remotePath": "/f"})
    assert failures == [("asset", "either asset or archive must be set")]


def test_remote_assets_are_refused(copy: Driver) -> None:
    remote = Asset(False, {"hash": "h", "uri": "https://example"})
    _, failures = copy.check({"connection": {"host": "h"}, "source": remote, "remotePath": "/f"})
    assert failures == [("asset", "asset must be a path-based file asset or a text asset")]


def test_triggers_replace_and_content_updates(copy: Driver, host: Host, tmp_path: Path) -> None:
    old = inputs(copy, host, text("one"), tmp_path / "file", triggers=["a"])
    assert list(copy.diff(old, {**old, "triggers": ["b"]}).replaces) == ["triggers"]
    answer = copy.diff(old, {**old, "source": text("two")})
    assert (list(answer.diffs), list(answer.replaces)) == (["source"], [])
    moved = {**old, "source": Asset(False, {"hash": text("one").hash, "path": "elsewhere"})}
    assert copy.diff(old, moved).changes == provider_pb2.DiffResponse.DIFF_NONE  # equal content is equal


def test_preview_does_not_dial(copy: Driver) -> None:
    given = copy.checked({"connection": {"host": "not.a.host"}, "source": text("x"), "remotePath": "/f"})
    assert copy.create(given, preview=True) == ("", given)
