"""A real sshd on loopback with keys, accounts and folders of its own; the machine needs no openssh-server."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.tools.debian import unpacked

SSHD = unpacked("openssh-server") / "usr/sbin/sshd"
_LIBRARIES = ("libwrap0", "libnsl2", "libtirpc3")

_ALONE = """
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs -o mode=755 sshd /run
mkdir -m 755 /run/sshd
exec env LD_LIBRARY_PATH="$2" "$3" -D -e -f "$1/sshd_config"
"""
"""In a mount namespace of its own. A machine without openssh-server lacks the user `sshd` and /run/sshd, a fixed path;
and root may be locked there, which sshd would refuse."""


@dataclass(frozen=True)
class Host:
    """Where sshd listens, and what a client needs."""

    port: int
    private_key: str
    host_key: str
    folder: Path

    def connection(self, **more: Any) -> dict[str, Any]:
        """A connection object for the plugin."""
        return {"host": "127.0.0.1", "port": self.port, "privateKey": self.private_key, **more}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def keypair(path: Path) -> tuple[str, str]:
    """A new ed25519 key: (private, public line)."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


@contextmanager
def sshd(folder: Path, port: int | None = None) -> Iterator[Host]:
    """Starts sshd and ends it; the same folder twice keeps its keys. Needs root."""
    if not SSHD.exists():
        pytest.fail(f"there is no {SSHD}: unpack it with python3 -m lab.tools.get debian")
    port = port or free_port()
    _configured(folder, port)
    libraries = {str(file.parent) for package in _LIBRARIES for file in unpacked(package).rglob("lib*.so.*")}
    words = ["unshare", "--mount", "sh", "-euc", _ALONE, "sh", str(folder), ":".join(sorted(libraries)), str(SSHD)]
    with (folder / "sshd.log").open("a") as log:
        process = subprocess.Popen(words, stderr=log)
    try:
        listening(port, folder / "sshd.log")
        public = (folder / "host.pub").read_text().strip()
        yield Host(port, (folder / "user").read_text(), public, folder)
    finally:
        process.terminate()
        process.wait()


def _configured(folder: Path, port: int) -> None:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    for name in ("host", "user"):
        if not (folder / name).exists():
            keypair(folder / name)
    (folder / "passwd").write_text(f"root:x:0:0::{folder}:/bin/bash\nsshd:x:65534:65534::/run/sshd:/usr/sbin/nologin\n")
    (folder / "passwd").chmod(0o644)
    (folder / "shadow").write_text("root:*:::::::\n")  # no password, and not locked
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "PermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\nPidFile none\nAcceptEnv LC_* \n"
        "Subsystem sftp internal-sftp\n"
    )


def listening(port: int, log: Path | None = None) -> None:
    """Wait until somebody listens; else the test fails with the end of the log."""
    for _ in range(1200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}\n{log.read_text()[-3000:] if log else ''}")
