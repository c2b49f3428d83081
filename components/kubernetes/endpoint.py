"""The address of the API server, `HOST:PORT`, in its parts, and its other names. Pure."""

import re
from ipaddress import ip_address
from typing import NamedTuple

from components.host.addresses import Address, address_in
from components.shown import quoted


class Endpoint(NamedTuple):
    """A host, by name or address, and a port."""

    host: str
    port: int

    @property
    def address(self) -> Address | None:
        """None if the host is a name."""
        return address_in(self.host)


_FORM = re.compile(r"([^\s:\[\]]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", re.ASCII)
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")


def parsed(text: str) -> Endpoint | None:
    """The endpoint in a text; None if it has no HOST:PORT, or a host that is neither a name nor an address."""
    found = _FORM.fullmatch(text)
    if not found or not 1 <= int(found[2]) <= 65535:
        return None
    host = found[1].strip("[]")
    # Resolvers take a name whose last label is a number for an address (RFC 1123, 2.1), so 10.0.0.256 is not a name.
    named = _NAME.fullmatch(host) and not host.rpartition(".")[2].isdigit()
    return Endpoint(host, int(found[2])) if named or address_in(host) else None


def not_a_san(text: str) -> str | None:
    """Why a certificate cannot have this name, as kubeadm judges it; None if it can."""
    try:
        ip_address(text)
    except ValueError:
        if _NAME.fullmatch(text.removeprefix("*.")):
            return None
        said = 'is neither an address nor a name in small letters, such as "api.example.org" or "*.example.org".'
        return f"{quoted(text)} {said}"
    return None
