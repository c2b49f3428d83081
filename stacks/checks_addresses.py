"""Rules for the addresses that hosts connect to. Pure functions; each problem names the key and the fix."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface, IPv4Network

from components.engine.config import Docker
from components.host.addresses import Address, address_in, not_a_machines
from components.kubernetes.endpoint import parsed
from components.problem import Key, Problem
from components.rule import Reached
from stacks.model import Site

_BRIDGE = IPv4Network("172.17.0.0/16")
"""Docker's default network: https://docs.docker.com/engine/daemon/#configure-the-default-bridge-network"""
_FREE = tuple(IPv4Interface(f"{start}.0.1/16") for start in ("172.30", "172.31", "192.168", "10.255", "10.254"))


def places(site: Site) -> Iterator[Problem]:
    """No machine that hosts connect to has an address in a network that each host has for its own containers."""
    found = dict(_reached(site))
    for name, network, fix in _networks(site, found):
        for key, address in found.items():
            if address in network:
                yield Problem(key, f"{address} lies in {name} {network}, where hosts look for containers. {fix}")


def _networks(site: Site, found: dict[Key, Address]) -> Iterator[tuple[str, IPv4Network, str]]:
    if site.kubernetes:
        for name, network in (("podSubnet", site.network.pod_subnet), ("serviceSubnet", site.network.service_subnet)):
            yield f"network.{name}", network, "Move the subnet."
    if not any(isinstance(site.engine_on(host), Docker) for host in site.active):
        return
    declared = site.engine.subnet if isinstance(site.engine, Docker) else None
    if declared is None:
        free = next((each for each in _FREE if not any(a in each.network for a in found.values())), None)
        other = f'"{free}"' if free else "OTHER"
        yield "Docker's own network", _BRIDGE, f"Write engine: {{kind: docker, subnet: {other}}}."
    elif bridge := bridge_of(declared):
        yield "engine.subnet", bridge.network, "Move the subnet."


def bridge_of(subnet: str) -> IPv4Interface | None:
    """`engine.subnet` as the address of Docker's bridge in its network; None if it is not one."""
    try:
        bridge = IPv4Interface(subnet)
    except ValueError:
        return None
    usable = bridge.ip != bridge.network.network_address and bridge.network.prefixlen <= 30
    return bridge if usable else None


def _reached(site: Site) -> Iterator[tuple[Key, Address]]:
    """The address in each value that hosts connect to, with its key; not of hosts that are gone."""
    for key, mark, value in site.marked:
        gone = key[0] == "hosts" and site.hosts[str(key[1])].state == "gone"
        if isinstance(mark, Reached) and not gone and (address := address_in(value)):
            yield key, address


def families(site: Site) -> Iterator[Problem]:
    """A cluster's hosts have IPv4 addresses, as its pods and services have."""
    if site.kubernetes is None:
        return
    text = "is IPv6, but pods and services have IPv4 addresses (network). Write the host's IPv4 address."
    for host in site.active:
        if host.address.version == 6 and not not_a_machines(host.address):
            yield Problem(("hosts", host.name, "address"), f"{host.address} {text}")
    found = parsed(site.kubernetes.endpoint) if site.kubernetes.endpoint else None
    if found and found.address and found.address.version == 6:
        text = "is IPv6, but the cluster's hosts have IPv4 addresses. Write an IPv4 address, or a name."
        yield Problem(("kubernetes", "endpoint"), f"{found.address} {text}")
    moving = site.kubernetes.virtual_address
    if moving and moving.address.version == 6:
        text = f"{moving.address} is IPv6, but the cluster's hosts have IPv4 addresses. Write an IPv4 address."
        yield Problem(("kubernetes", "virtualAddress", "address"), text)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (places, families)
