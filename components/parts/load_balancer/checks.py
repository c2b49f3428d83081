"""What must hold of the load balancer in its site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from itertools import chain

from components.host.addresses import Address
from components.kubernetes.endpoint import parsed
from components.parts import chart
from components.parts.load_balancer.config import LoadBalancer
from components.parts.load_balancer.plan import answering, members, segment, speakers, values
from components.parts.load_balancer.pool import holds, ranges, wrong
from components.parts.part import Ground
from components.problem import Problem

_OF_METALLB = ("segment", "interfaces", "bgp", "chart", "repository", "version", "values")
_OF_LAYER2 = ("segment", "interfaces")


def kinds(config: LoadBalancer, _: Ground) -> Iterator[Problem]:
    """Each key belongs to what the entry chose."""
    given = [name for name in _OF_METALLB if name in config.model_fields_set]
    if config.kind == "external":
        for name in given:
            yield Problem((name,), "is of kind metallb only: with external, others give the addresses. Take it away.")
    elif config.bgp:
        for name in _OF_LAYER2:
            if name in given:
                yield Problem((name,), "is for layer 2, and bgp announces the pool to routers. Take one of both away.")


def place(config: LoadBalancer, ground: Ground) -> Iterator[Problem]:
    """At layer 2 the pool lies in a segment that hosts are in: nobody else could answer for its addresses."""
    if config.kind != "metallb" or config.bgp or wrong(config.pool):
        return
    home = segment(config)
    for each in ranges(config.pool):
        ends = [end for end in (home.network_address, home.broadcast_address) if end in each and home.prefixlen < 31]
        if not each.within(home):
            text = f"{each} is outside of the segment {home}. Write addresses of it, or segment: NETWORK/PREFIX."
            yield Problem(("pool",), text)
        elif ends:
            yield Problem(("pool",), f"{each} has {ends[0]}, which no machine of {home} can have. Leave it out.")
    if members(ground.hosts) and not speakers(config, ground.hosts):
        seen = ", ".join(str(host.address) for host in members(ground.hosts)[:3])
        key = "segment" if config.segment else "pool"
        text = f"no host of the cluster is in the segment {home} (they are at {seen}), so that nobody answers for it."
        yield Problem((key,), f"{text} Write addresses of the hosts' own network, or bgp.")


def taken(config: LoadBalancer, ground: Ground) -> Iterator[Problem]:
    """No machine has an address of the pool."""
    if wrong(config.pool):
        return
    for address, whose in _machines(config, ground):
        if holds(config.pool, [address]):
            yield Problem(("pool",), f"has {address}, which is {whose}. Leave it out of the pool.")


def _machines(config: LoadBalancer, ground: Ground) -> Iterator[tuple[Address, str]]:
    for host in ground.hosts.values():
        if host.state != "gone":
            yield host.address, f"the address of {host.name}"
    endpoint = ground.kubernetes.endpoint if ground.kubernetes else None
    if ground.kubernetes and (moving := ground.kubernetes.virtual_address):
        yield moving.address, "the one that moves between the control planes (kubernetes.virtualAddress)"
    found = parsed(endpoint) if endpoint else None
    if found and found.address:
        yield found.address, "the API server's (kubernetes.endpoint)"
    for name, peer in config.bgp.peers.items() if config.bgp else ():
        yield peer.address, f"the router {name} (bgp.peers)"
    servers = {server for host in ground.hosts.values() if host.dns for server in host.dns.servers}
    yield from ((server, "a name server (dns.servers)") for server in servers if isinstance(server, IPv4Address))


def networks(config: LoadBalancer, ground: Ground) -> Iterator[Problem]:
    """Pods and services of the cluster itself have no address of the pool."""
    if wrong(config.pool):
        return
    subnets = {"podSubnet": ground.network.pod_subnet, "serviceSubnet": ground.network.service_subnet}
    for name, subnet in subnets.items():
        if any(each.overlaps(subnet) for each in ranges(config.pool)):
            text = f"overlaps network.{name} {subnet}, whose addresses are valid in the cluster only. Move one of them."
            yield Problem(("pool",), text)


def strict_arp(config: LoadBalancer, ground: Ground) -> Iterator[Problem]:
    """kube-proxy in mode ipvs leaves ARP for services to MetalLB: https://metallb.io/installation/#preparation"""
    if config.kind != "metallb" or config.bgp or ground.kubernetes is None:
        return
    proxy = ground.kubernetes.kube_proxy
    ipvs = proxy.get("ipvs")
    if proxy.get("mode") == "ipvs" and not (isinstance(ipvs, dict) and ipvs.get("strictARP") is True):
        text = "is ipvs, where every node answers for the load balancer's addresses. Write ipvs: {strictARP: true} too."
        yield Problem(("kubernetes", "kubeProxy", "mode"), text, elsewhere=True)


def own_values(config: LoadBalancer, ground: Ground) -> Iterator[Problem]:
    """`values` has none that other keys decide."""
    return iter(()) if wrong(config.pool) else chart.decided(config.values, values(config, ground.hosts))


CHECKS: tuple[Callable[[LoadBalancer, Ground], Iterator[Problem]], ...] = (
    kinds,
    place,
    taken,
    networks,
    strict_arp,
    own_values,
)


def checks(config: LoadBalancer, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: LoadBalancer, ground: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    if config.kind != "metallb" or config.bgp:
        return
    able = {host.name for host in speakers(config, ground.hosts)}
    others = [host.name for host in members(ground.hosts) if host.name not in able]
    if others:
        those = ", ".join(host.name for host in answering(config, ground.hosts))
        text = f"{', '.join(others)}: not in the segment {segment(config)}, so that only {those} can answer for it."
        yield Problem(("pool",), text)
