"""When an OpenPGP public key ends, by its own packets (RFC 9580): a package source with an expired one is refused.

It reads keys and signatures of version 4, which every vendor of packages uses, and gives no end for others.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_SIGNATURE, _KEY, _SUBKEY = 2, 6, 14
_CERTIFIES = (0x10, 0x11, 0x12, 0x13, 0x1F)
"""Types of signatures by which a primary key says something of itself."""
_BINDS = 0x18
"""That by which it takes a subkey."""
_MADE, _LASTS, _ISSUER, _FLAGS = 2, 9, 16, 27
"""Types of subpackets: when the signature was made, for how many seconds the key is valid, who made it, what the key is
for."""
_SIGNS = 0x02


@dataclass
class _Key:
    id: bytes
    made: int
    said: int = -1
    """When its newest signature was made."""
    lasts: int = 0
    """Seconds; 0 for ever."""
    signs: bool = True

    @property
    def ends(self) -> float:
        return self.made + self.lasts if self.lasts else float("inf")


def end(content: bytes) -> datetime | None:
    """When the last of the keys in a file that can sign ends; None if never, or if their form is not known.

    A subkey ends with its primary key at the latest.
    """
    found: list[list[_Key]] = []
    try:
        for tag, body in _packets(_bare(content)):
            if tag in (_KEY, _SUBKEY) and body[0] == 4:
                if tag == _KEY:
                    found.append([])
                found[-1].append(_Key(_id(body), int.from_bytes(body[1:5])))
            elif tag == _SIGNATURE and body[0] == 4:
                _take(found[-1], body)
    except (IndexError, binascii.Error):  # cut short, or none: gpg on the hosts judges it
        return None
    ends = [min(keys[0].ends, key.ends) for keys in found for key in keys if key.signs]
    last = max(ends, default=float("inf"))
    return None if last == float("inf") else datetime.fromtimestamp(last, UTC)


def _id(body: bytes) -> bytes:
    """The last eight octets of a key's fingerprint."""
    return hashlib.sha1(b"\x99" + len(body).to_bytes(2) + body, usedforsecurity=False).digest()[-8:]


def _take(keys: list[_Key], body: bytes) -> None:
    """What a signature says of the last key; the newest one of the primary key counts."""
    key, primary = keys[-1], keys[0]
    open_at = 6 + int.from_bytes(body[4:6])
    said = dict(_subpackets(body[6:open_at]))
    unsigned = dict(_subpackets(body[open_at + 2 : open_at + 2 + int.from_bytes(body[open_at : open_at + 2])]))
    issuer = said.get(_ISSUER) or unsigned.get(_ISSUER) or primary.id
    if body[1] not in (_CERTIFIES if key is primary else (_BINDS,)) or issuer != primary.id:
        return
    made = int.from_bytes(said.get(_MADE, b""))
    if made >= key.said and {_LASTS, _FLAGS} & said.keys():  # others name who may revoke it, for example
        key.said, key.lasts = made, int.from_bytes(said.get(_LASTS, b""))
        key.signs = _FLAGS not in said or bool(said[_FLAGS] and said[_FLAGS][0] & _SIGNS)


def _bare(content: bytes) -> bytes:
    """The packets of all armored blocks, or of a binary file."""
    text = content.decode("latin-1").replace("\r\n", "\n")
    blocks = re.findall(
        r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:[^\n]+\n)*?\n(.*?)\n(?:=[^\n]*\n)?-----END", text, re.S
    )
    return b"".join(base64.b64decode(block) for block in blocks) if blocks else content


def _packets(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        head = content[at]
        if head & 0x40:
            size, begins = _length(content, at + 1)
            tag = head & 0x3F
        else:
            octets = 1 << (head & 3)
            size, begins = int.from_bytes(content[at + 1 : at + 1 + octets]), at + 1 + octets
            tag = head >> 2 & 0x0F
        yield tag, content[begins : begins + size]
        at = begins + size


def _subpackets(area: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(area):
        size, begins = _length(area, at)
        yield area[begins] & 0x7F, area[begins + 1 : begins + size]
        at = begins + size


def _length(content: bytes, at: int) -> tuple[int, int]:
    """A length in one, two or five octets, and where what it counts begins."""
    first = content[at]
    if first < 192:
        return first, at + 1
    if first < 255:
        return (first - 192 << 8) + content[at + 1] + 192, at + 2
    return int.from_bytes(content[at + 1 : at + 5]), at + 5
