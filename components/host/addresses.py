"""Addresses of machines: the kinds that none has, and the address in a text such as a URL. Pure."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from components.model import HostName
from components.rule import Reached, Rule
from components.shown import quoted

Address = IPv4Address | IPv6Address

_KINDS = (
    ("is_unspecified", "stands for every address of a machine"),
    ("is_multicast", "is a multicast address, which a group of machines shares"),
    ("is_loopback", "is a loopback address, by which each machine reaches only itself"),
    ("is_link_local", "is a link-local address, which is valid on one cable and may change"),
    ("is_reserved", "is reserved: no machine has it"),
)


def not_a_machines(value: object, *, loopback: bool = False) -> str | None:
    """Why no other machine has this address or name; None if one may. `loopback` allows a tunnel's end."""
    address = address_in(value)
    if address is None:
        local = value == "localhost" or str(value).endswith(".localhost")
        return f"{quoted(value)} is each machine's own name. {_FIX}" if local and not loopback else None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return f"{quoted(value)} is an IPv4 address in IPv6's form. Write {address.ipv4_mapped}."
    for kind, why in _KINDS:
        if getattr(address, kind) and not (loopback and kind == "is_loopback"):
            return f"{quoted(value)} {why}. {_FIX}"
    return None


_FIX = "Write the address by which other hosts reach the machine."


def _or_tunnel(value: object) -> str | None:
    return not_a_machines(value, loopback=True)


def _text(value: object) -> object:
    """The value; raises ValueError for a number, which ipaddress takes for the bits of an address: 10 is 0.0.0.10."""
    if isinstance(value, int | float):
        raise ValueError("is a number, not an address. Write it out, such as 10.0.0.5.")
    return value


_WRITTEN = BeforeValidator(_text)


def not_containers(network: IPv4Network) -> str | None:
    """Why containers cannot have the addresses of a network; None if they can."""
    for kind, _ in _KINDS:
        if getattr(network.network_address, kind) or getattr(network.broadcast_address, kind):
            fix = "Write a private one, for example 10.128.0.0/12."
            return f"{quoted(network)} has addresses that no machine can have. {fix}"
    return None


Subnet = Annotated[IPv4Network, _WRITTEN, Rule(not_containers)]
"""Addresses of containers."""
HostAddress = Annotated[Address, _WRITTEN, Rule(not_a_machines), Reached()]
"""An address that other machines connect to."""
Server = Annotated[HostName | Address, _WRITTEN, Rule(not_a_machines), Reached()]
"""The same, or a name."""
Tunnel = Annotated[Address | HostName, _WRITTEN, Rule(_or_tunnel), Reached()]
"""The same, or the near end of a tunnel on the machine that connects."""
ProxyAddress = Annotated[IPv4Address, _WRITTEN, Rule(_or_tunnel), Reached()]


def address_in(value: Any) -> Address | None:  # noqa: ANN401 - any value of a marked type
    """The IP address in a URL, in HOST:PORT or HOST, or the value itself; None if it names its machine."""
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    text = str(value)
    try:
        bare = text if "://" not in text else urlsplit(text).netloc.rpartition("@")[2]
        return ip_address(re.sub(r"^\[(.*)\](:\d+)?$|^([0-9.]+):\d+$", r"\1\3", bare))
    except ValueError:
        return None
