"""A time server for the lab's hosts: the machine's own time (RFC 5905, stratum 1)."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

from lab.hosts.inventory import GATEWAY


@contextlib.contextmanager
def time_server(address: str = GATEWAY) -> Iterator[None]:
    """Answers on the bridge while it lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, 123))
        threading.Thread(target=_answer, args=(server,), daemon=True).start()
        yield


def _answer(server: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed: the end of the test
        while True:
            question, asker = server.recvfrom(512)
            now = struct.pack("!Q", int((time.time() + 2_208_988_800) * 2**32))
            head = struct.pack("!BBBbII4s", 0b00_100_100, 1, question[2], -20, 0, 0, b"LAB\0")
            server.sendto(head + now + question[40:48] + now + now, asker)
