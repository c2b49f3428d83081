"""A name server that knows no name (RFC 1035), or those of a table."""

import contextlib
import socket
import struct
from collections.abc import Mapping

from tests.lab.datagrams import answering

_ADDRESS, _NO_SUCH_NAME, _ANSWER = 1, 3, 0x8180


def name_server(address: str, known: Mapping[str, str] | None = None) -> contextlib.AbstractContextManager[None]:
    """Answers on port 53 while it lasts."""
    return answering(address, 53, lambda question: answer(question, known or {}))


def answer(question: bytes, known: Mapping[str, str]) -> bytes:
    """To one question: the address of a name that is known, else that there is no such name."""
    end, words = 12, []
    while length := question[end]:
        words.append(question[end + 1 : end + 1 + length].decode().lower())
        end += length + 1
    address = known.get(".".join(words))
    [kind] = struct.unpack("!H", question[end + 1 : end + 3])
    records = b""
    if address and kind == _ADDRESS:
        records = struct.pack("!HHHIH", 0xC00C, _ADDRESS, 1, 5, 4) + socket.inet_aton(address)
    flags = _ANSWER | (0 if address else _NO_SUCH_NAME)
    counts = struct.pack("!HHHHH", flags, 1, bool(records), 0, 0)
    return question[:2] + counts + question[12 : end + 5] + records
