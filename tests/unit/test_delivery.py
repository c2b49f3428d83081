"""A vendor's archive on its way to its host: sent from the operator's machine in pieces, and what is wrong with it.

Does not prove: SSH, and what the host's steps make of the archive (tests/scripts/test_delivery.py).
"""

import asyncio
import base64
import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.delivery import checks, component, send
from components.delivery.config import Delivery
from components.host.config import Host
from components.hostrun import ssh
from components.hostrun.target import SshError, Target

pytestmark = pytest.mark.row("R2")

CONTENT = bytes(range(256)) * 10
NFS = Target("nfs", "10.0.0.12", 22, "admin", "ssh-ed25519 AAAA", "")


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The pieces that the host got, from a run that cuts the archive at 1000 bytes; the host is a folder."""
    pieces: list[bytes] = []
    (tmp_path / "records/runai").mkdir(parents=True)
    monkeypatch.setattr(send, "PIECE", 1000)
    monkeypatch.setattr(send, "_RECORDS", str(tmp_path / "records"))

    async def run(target: Target, command: str, *, stdin: bytes = b"", **_: Any) -> ssh.Result:
        assert target is NFS
        if "cat >>" in command:
            pieces.append(stdin)
        done = subprocess.run(["/bin/bash", "-c", command], input=stdin, capture_output=True, check=False)
        return ssh.Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    monkeypatch.setattr(ssh, "run", run)
    return pieces


def delivery(folder: Path, content: bytes = CONTENT, **more: Any) -> Delivery:
    (folder / "vendor.tar.gz").write_bytes(content)
    values = {"host": "nfs", "local": str(folder / "vendor.tar.gz"), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    return Delivery.model_validate({**values, "folder": str(folder / "on-host"), **more})


def bring(of: Delivery) -> Path:
    asyncio.run(send.send(of, "runai", {"nfs": NFS}))
    return Path(of.archive)


def test_the_archive_is_sent_once_in_pieces(tmp_path: Path, sent: list[bytes]) -> None:
    of = delivery(tmp_path)
    assert bring(of).read_bytes() == CONTENT
    assert [len(piece) for piece in sent] == [1000, 1000, 560]
    bring(of)
    assert len(sent) == 3


def test_a_cut_transfer_goes_on_where_it_was_cut(tmp_path: Path, sent: list[bytes]) -> None:
    of = delivery(tmp_path)
    (tmp_path / "on-host").mkdir()
    Path(f"{of.archive}.part").write_bytes(CONTENT[:1700])
    assert bring(of).read_bytes() == CONTENT
    assert [len(piece) for piece in sent] == [860]


def test_what_is_unpacked_whole_is_not_sent_again(tmp_path: Path, sent: list[bytes]) -> None:
    of = delivery(tmp_path)
    place = Path(of.place("runai"))
    place.mkdir(parents=True)
    (place / "chart.tgz").write_text("12345")
    (tmp_path / "records/runai/unpacked").write_text(f"{of.sha256}\n5 ./chart.tgz\n")
    bring(of)
    assert sent == []
    (place / "chart.tgz").write_text("123")
    bring(of)
    assert len(sent) == 3


def test_a_wrong_or_missing_file_is_not_sent(tmp_path: Path, sent: list[bytes]) -> None:
    of = delivery(tmp_path, CONTENT[:-1])
    with pytest.raises(send.SendError) as error:
        bring(of)
    seen = hashlib.sha256(CONTENT[:-1]).hexdigest()
    assert f"nfs [package] {of.local} has SHA-256 {seen}, wants {of.sha256}. Nothing was sent. Fix: " in str(
        error.value
    )
    assert of.local is not None
    of.local.unlink()
    with pytest.raises(send.SendError, match=r"cannot be read: No such file .* Fix: correct package.local"):
        bring(of)
    assert sent == []


def test_a_full_disk_keeps_what_came(tmp_path: Path, sent: list[bytes]) -> None:
    of = delivery(tmp_path)
    (tmp_path / "on-host").mkdir()
    Path(f"{of.archive}.part").symlink_to("/dev/full")
    with pytest.raises(send.SendError) as error:
        bring(of)
    assert "No space left on device. Fix: make room there, or choose another package.folder; then pulumi up" in str(
        error.value
    )
    assert len(sent) == 1


def test_a_dark_host_is_said_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dark(*_: Any, **__: Any) -> ssh.Result:
        raise SshError("nfs", "connection", "does not answer")

    monkeypatch.setattr(ssh, "run", dark)
    with pytest.raises(SshError, match="does not answer"):
        bring(delivery(tmp_path))


def test_an_archive_is_named_once_and_its_host_is_there(tmp_path: Path) -> None:
    host = Host.model_validate({"name": "nfs", "address": "10.0.0.12", "hostKey": "ssh-ed25519 AAAA"})

    def said(**more: Any) -> list[str]:
        return [
            f"{problem.key} {problem.text}" for problem in checks.problems(delivery(tmp_path, **more), {"nfs": host})
        ]

    assert said() == []
    assert said(host="db") == ["('host',) db is not a host of this site. Write one of hosts."]
    both = "() needs one of local, file and url, and has file and local. Write where the archive is."
    assert said(file="/srv/a.tar") == [both]
    assert said(local=None)[0].startswith("() needs one of local, file and url, and has none.")


def test_a_chart_is_written_once_and_mended(tmp_path: Path) -> None:
    path, text = tmp_path / "charts/a-1.tgz", base64.b64encode(b"chart").decode()
    assert component._kept(path, text) == str(path)
    first = path.stat().st_mtime_ns
    component._kept(path, text)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (b"chart", first)
    path.write_bytes(b"cut")
    component._kept(path, text)
    assert path.read_bytes() == b"chart"
