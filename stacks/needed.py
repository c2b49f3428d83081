"""What rooms and parts need of the site's hosts: defaults that the site may override, and needs that add up. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from components.engine import needed as engine
from components.gpu import needed as gpu
from components.host import listening as host_listening
from components.host.config import Host
from components.host.listening import Listening
from components.host.needed import Needed
from components.hostrun.step import Step
from components.kubernetes import needed as kubernetes
from components.network import listening as network
from components.tenancy import needed as tenancy
from stacks.ground import ground
from stacks.model import Entry, Site


def prepared(site: Site) -> Site:
    """The site with the defaults of users, parts and Kubernetes for hosts, which its own settings override."""
    hosts = {name: tenancy.prepare(host, site.users) for name, host in site.hosts.items()}
    for entry in site.entries:
        if half := entry.part.host:
            for name in half.uses(entry.config, hosts):
                if name in hosts:
                    hosts[name] = half.prepare(entry.config, hosts[name], hosts)
    if site.kubernetes:
        hosts = {name: kubernetes.prepare(host) for name, host in hosts.items()}
    return site.model_copy(update={"hosts": hosts})


def drained_taints(site: Site) -> dict[str, tuple[str, ...]]:
    """The taints that parts give the nodes of drained hosts, by the host's name."""
    halves = [(entry.part.host, entry.config) for entry in site.entries if entry.part.host]
    return {
        name: tuple(taint for half, config in halves for taint in half.drained(config, host, site.hosts))
        for name, host in site.hosts.items()
        if host.state == "drained"
    }


def needed(site: Site, host: Host) -> Needed:
    """Everything that the other rooms and the parts need of one host."""
    found = Needed()
    if site.kubernetes:
        found += kubernetes.needed(site.kubernetes, host, site.control_planes, site.leaving)
        found += Needed(listening=network.listening(site.network))
    if config := site.engine_on(host):
        wanted, own = engine.needed(config, host), _own_registry(site)
        # The site's own registry comes up after the check that mirrors are there.
        found += replace(wanted, mirrors=[url for url in wanted.mirrors if urlsplit(url).netloc not in own])
    if site.registry and site.registry.host == host.name:
        found += engine.of_registry(site.registry)
    return found + gpu.needed(host) + Needed(listening=tuple(_of_parts(site, host)))


def listening(site: Site, host: Host) -> tuple[Listening, ...]:
    """Every service that listens on one host."""
    return (*host_listening.listening(host), *needed(site, host).listening)


def preflight(site: Site, host: Host) -> list[Step]:
    """The parts' checks of one host before anything is changed."""
    halves = [(entry.part.cluster, entry.config) for entry in site.entries] if host in site.control_planes else []
    around = [step for half, config in halves if half for step in half.preflight(config, ground(site))]
    return around + [
        step
        for entry in entries_on(site, host)
        if entry.part.host
        for step in entry.part.host.preflight(entry.config, host, site.hosts)
    ]


def pushed(site: Site) -> dict[str, int]:
    """The vendors' archives whose images parts push to the site's own registry: SHA-256 → GB that must be free."""
    own = _own_registry(site)
    halves = [(entry.part.host, entry.config) for entry in site.entries]
    fillings = [each for half, config in halves if half for each in half.fills(config)]
    return {each.archive: each.gb for each in fillings if each.registry in own}


def _own_registry(site: Site) -> set[str]:
    """HOST:PORT of the site's own registry, by each of its names."""
    if site.registry is None or site.registry.host not in site.hosts:
        return set()
    host, port = site.hosts[site.registry.host], site.registry.port
    return {f"{name}:{port}" for name in (host.name, f"{host.name}.{site.domain}", str(host.address))}


def entries_on(site: Site, host: Host) -> Iterator[Entry]:
    """The parts that use a host."""
    return (entry for entry, names in zip(site.entries, site.entry_hosts, strict=True) if host.name in names)


def _of_parts(site: Site, host: Host) -> Iterator[Listening]:
    for entry in entries_on(site, host):
        if entry.part.host:
            for each in entry.part.host.listening(entry.config, host, site.hosts):
                yield each.under(entry.key)
