"""A server of single datagrams, for protocols of one question and one answer."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Answer = Callable[[bytes], bytes]  # it returns b"" for a datagram of another protocol, and the server sends nothing


@contextlib.contextmanager
def answering(address: str, port: int, answer: Answer) -> Iterator[None]:
    """Answers each datagram at that place, as long as the block lasts; afterwards the port is free."""
    ended = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.settimeout(0.1)  # a close would not wake who waits for a datagram
        thread = threading.Thread(target=_serve, args=(server, answer, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _serve(server: socket.socket, answer: Answer, ended: threading.Event) -> None:
    while not ended.is_set():
        with contextlib.suppress(OSError):  # nobody asked, or the one who did has gone
            question, asker = server.recvfrom(1500)
            if reply := answer(question):
                server.sendto(reply, asker)
