"""The package sources of a host: the site's own, and the official ones that it needs and the site does not replace."""

import base64
from collections.abc import Mapping
from textwrap import wrap

from components.host.config import Host
from components.host.repositories import Repository
from stacks.model import Site


def repositories(site: Site, host: Host, official: Mapping[str, Repository]) -> dict[str, Repository]:
    """The sources for the host's family, by name; `official` are those that its rooms need."""
    kind = "dnf" if host.family == "rhel" else "apt"
    named = {name: source for name, source in site.repositories.items() if source is None or source.kind == kind}
    return {name: source for name, source in {**official, **named}.items() if source}


def keys(sources: Mapping[str, Repository]) -> dict[str, str]:
    """The key of each source that has a key file, armored as apt and rpm read it. Raises OSError."""
    return {name: _armored(source.key_file.read_bytes()) for name, source in sources.items() if source.key_file}


def _armored(key: bytes) -> str:
    """A key as text, whether the vendor publishes it armored, with line ends of Windows, or binary (RFC 9580, 6)."""
    if key[:1] >= b"\x80" and not key.startswith(b"\xef\xbb\xbf"):  # a packet's first byte has its high bit set
        lines = wrap(base64.b64encode(key).decode(), 64)
        check = base64.b64encode(_crc24(key)).decode()
        kind = "PGP PUBLIC KEY BLOCK"
        return "\n".join([f"-----BEGIN {kind}-----", "", *lines, f"={check}", f"-----END {kind}-----", ""])
    return key.decode("utf-8-sig").replace("\r\n", "\n")


def _crc24(data: bytes) -> bytes:
    """The checksum of armored text (RFC 9580, 6.1)."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = (crc << 1) ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc.to_bytes(3)
