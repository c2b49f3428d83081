"""hostrun/networks.sh on this machine: a port is waited for until something accepts connections there."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path("components/hostrun/networks.sh").resolve()


def opens(port: int, seconds: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["bash", "-euc", f". {SCRIPT}; port_opens {port} {seconds}"])


@pytest.fixture
def closed() -> Iterator[socket.socket]:
    """Nobody else gets its port, and nothing listens on it yet."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


@pytest.mark.row("C3")
def test_a_port_is_waited_for_and_no_longer_than_asked(closed: socket.socket) -> None:
    port = closed.getsockname()[1]
    assert opens(port, 1).wait(timeout=60) == 124
    waits = opens(port, 50)
    with pytest.raises(subprocess.TimeoutExpired):
        waits.wait(timeout=1)
    closed.listen()
    assert waits.wait(timeout=60) == 0
