"""Openings of a host's firewall: ports, and who may connect to them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Literal

from components.host.addresses import Address
from components.host.net import Packet

Network = IPv4Network | IPv6Network

Sources = Literal["site", "any"] | tuple[Network, ...]
"""`site` is the site's hosts and pods, `any` everywhere."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a firewall, by a name that tells why.

    `port` is one port or `FIRST-LAST`; empty for vrrp, which has none.
    """

    name: str
    port: str
    protocol: Packet = "tcp"
    sources: Sources = "site"


def site_networks(addresses: Iterable[Address], subnets: Iterable[Network] = ()) -> tuple[Network, ...]:
    """The site's hosts, and its pods' `subnets`, as few networks as there can be."""
    return _site_networks(tuple(addresses), tuple(subnets))


@cache
def _site_networks(addresses: tuple[Address, ...], subnets: tuple[Network, ...]) -> tuple[Network, ...]:
    """Every host asks for the same."""
    return collapsed([*(ip_network(address) for address in addresses), *subnets])


def collapsed(networks: Sequence[Network]) -> tuple[Network, ...]:
    """Sorted, without overlap: IPv4 first."""
    old = [network for network in networks if isinstance(network, IPv4Network)]
    new = [network for network in networks if isinstance(network, IPv6Network)]
    return (*collapse_addresses(old), *collapse_addresses(new))
