"""Servers of tests: the loop that all of them share, and a server of datagrams, one question and one answer each."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Answer = Callable[[bytes], bytes]  # it returns b"" for a datagram of another protocol, and the server sends nothing


@contextlib.contextmanager
def serving(server: socket.socket, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Calls `answer` again and again, which waits 0.1 s at most, until the end of the block."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):  # nobody asked, or the one who did has gone
                answer(server)

    server.settimeout(0.1)  # a close would not wake who waits
    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def answering(address: str, port: int, answer: Answer) -> Iterator[None]:
    """Answers each datagram at that place, as long as the block lasts; afterwards the port is free."""

    def one(server: socket.socket) -> None:
        question, asker = server.recvfrom(1500)
        if reply := answer(question):
            server.sendto(reply, asker)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        with serving(server, one):
            yield
