"""Ranges of addresses that a load balancer gives to services. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from components.shown import quoted


class Range(NamedTuple):
    """All addresses from the first to the last."""

    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: object) -> bool:
        return isinstance(address, IPv4Address) and self.first <= address <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def within(self, network: IPv4Network) -> bool:
        """Whether all of it lies in the network."""
        return self.first in network and self.last in network

    def overlaps(self, network: IPv4Network) -> bool:
        """Whether an address of it lies in the network."""
        return self.first <= network.broadcast_address and network.network_address <= self.last


def ranges(text: str) -> tuple[Range, ...]:
    """The ranges of `FIRST-LAST, NETWORK/PREFIX, …`. Raises ValueError, whose text is the message about it."""
    return tuple(_range(part.strip()) for part in text.split(","))


def wrong(text: str) -> str | None:
    """Why a text is no pool; None if it is one."""
    try:
        found = ranges(text)
    except ValueError as error:
        return str(error)
    for index, each in enumerate(found):
        for other in found[:index]:
            if each.first <= other.last and other.first <= each.last:
                return f"has addresses twice, in {other} and in {each}. Write each once."
    return None


def first(text: str) -> IPv4Address:
    """The first address of a pool."""
    return ranges(text)[0].first


def holds(text: str, addresses: Iterable[object]) -> Sequence[object]:
    """Those of the addresses that the pool has."""
    found = ranges(text)
    return [address for address in addresses if any(address in each for each in found)]


def _range(text: str) -> Range:
    begin, dash, end = text.partition("-")
    try:
        if dash:
            one, two = ip_address(begin.strip()), ip_address(end.strip())
        else:
            network = ip_network(text)
            one, two = network.network_address, network.broadcast_address
    except ValueError:
        said = f"{quoted(text)} is not a range of addresses"
        fix = 'Write FIRST-LAST or a network, for example "10.0.0.200-10.0.0.209" or "10.0.0.192/28".'
        raise ValueError(f"{said}. {fix}") from None
    if isinstance(one, IPv6Address) or isinstance(two, IPv6Address):
        said = f"{quoted(text)} has IPv6 addresses, and services of this cluster have IPv4 ones"
        raise ValueError(f"{said} (network.serviceSubnet). Write IPv4 addresses.")
    if one > two:
        raise ValueError(f"{quoted(text)} ends before it begins. Write the lower address first.")
    if any(each.is_loopback or each.is_multicast or each.is_link_local or each.is_unspecified for each in (one, two)):
        raise ValueError(f"{quoted(text)} has addresses that no service can have. Write addresses of your network.")
    return Range(one, two)
