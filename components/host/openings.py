"""What comes in through a host's firewall: each layer declares its own openings, in its room's ports.py. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Literal

from components.host.config import Address, Host
from components.host.net import Protocol

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Opening:
    """One thing that may come in, by a name that tells why.

    `port` is one or `FIRST-LAST`. `sources`: `site` is the site's hosts and pods, `any` everywhere.
    """

    name: str
    port: str
    protocol: Protocol = "tcp"
    sources: Literal["site", "any"] | tuple[Network, ...] = "site"


def of_every_host(host: Host) -> tuple[Opening, ...]:
    """SSH, always; the answers of DHCP, which no connection precedes; redsocks; and what the site allows of its own."""
    return (
        Opening("ssh", str(host.ssh.port), sources="any"),
        Opening("dhcp-client", "68", "udp", "any"),
        Opening("dhcpv6-client", "546", "udp", "any"),
        # Other hosts' traffic is redirected there; what was not, the step socks drops before.
        *((Opening("redsocks", "12345", sources="any"),) if host.socks and host.socks.interfaces else ()),
        *(
            Opening(name, allow.port, allow.protocol, allow.sources or "any")
            for name, allow in (host.firewall.allow.items() if host.firewall else ())
        ),
    )


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
