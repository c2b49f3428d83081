"""A real sshd on loopback with keys of its own."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SSHD = Path("/usr/sbin/sshd")


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
    """Starts sshd and ends it; the same folder twice keeps its keys."""
    if not SSHD.exists():
        pytest.skip("openssh-server is not installed (apt-get install openssh-server)")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        if not (folder / name).exists():
            keypair(folder / name)
    port = port or free_port()
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "PermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\nPidFile none\nAcceptEnv LC_* \n"
        "Subsystem sftp internal-sftp\n"
    )
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
    try:
        listening(port)
        public = (folder / "host.pub").read_text().strip()
        yield Host(port, (folder / "user").read_text(), public, folder)
    finally:
        process.terminate()
        process.wait()


def listening(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(100):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")
