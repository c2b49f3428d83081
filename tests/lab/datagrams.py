"""A server of single datagrams, for protocols of one question and one answer."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Answer = Callable[[bytes], bytes]  # it returns b"" for a datagram of another protocol, and the server sends nothing


@contextlib.contextmanager
def answering(address: str, port: int, answer: Answer) -> Iterator[None]:
    """Answers each datagram at that place, as long as the block lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        threading.Thread(target=_serve, args=(server, answer), daemon=True).start()
        yield


def _serve(server: socket.socket, answer: Answer) -> None:
    with contextlib.suppress(OSError):  # closed: the end of the block
        while True:
            question, asker = server.recvfrom(1500)
            if reply := answer(question):
                server.sendto(reply, asker)
