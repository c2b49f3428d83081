"""A name server of the tests (RFC 1035): it answers for IPv4 addresses, and says of other names that there are none."""

import contextlib
import socket
import struct
from collections.abc import Callable

from tests.lab.datagrams import answering

Find = Callable[[str], str | None]
"""The address of a name in lower case; None if there is no such name."""
_ADDRESS, _NO_SUCH_NAME, _ANSWER = 1, 3, 0x8580


def name_server(
    address: str, find: Find = lambda _: None, *, port: int = 53
) -> contextlib.AbstractContextManager[None]:
    """Answers while it lasts; by default it knows no name."""
    return answering(address, port, lambda question: answer(question, find))


def answer(question: bytes, find: Find) -> bytes:
    """To one question: the address of a name that is found, else that there is no such name."""
    end, words = 12, []
    while length := question[end]:
        words.append(question[end + 1 : end + 1 + length].decode().lower())
        end += length + 1
    address = find(".".join(words))
    [kind] = struct.unpack("!H", question[end + 1 : end + 3])
    records = b""
    if address and kind == _ADDRESS:
        records = struct.pack("!HHHIH", 0xC00C, _ADDRESS, 1, 5, 4) + socket.inet_aton(address)
    flags = _ANSWER | (0 if address else _NO_SUCH_NAME)
    counts = struct.pack("!HHHHH", flags, 1, bool(records), 0, 0)
    return question[:2] + counts + question[12 : end + 5] + records
