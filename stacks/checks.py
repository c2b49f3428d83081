"""Rules between the keys of a site. Pure functions; each problem names the key and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain

from components.engine.config import Docker
from components.host.addresses import Address
from components.host.config import Ssh
from components.kubernetes.api_server import FALSE
from components.problem import Problem, dotted
from stacks import (
    checks_addresses,
    checks_api_server,
    checks_backup,
    checks_components,
    checks_encryption,
    checks_endpoint,
    checks_engine,
    checks_files,
    checks_gpu,
    checks_hosts,
    checks_listening,
    checks_machine,
    checks_net,
    checks_nodes,
    checks_packages,
    checks_parts,
    checks_projects,
    checks_rules,
    checks_values,
    compatibility,
)
from stacks.known_hosts import is_key
from stacks.model import Site

Check = Callable[[Site], Iterator[Problem]]


def problems(site: Site) -> Iterator[Problem]:
    """Every problem that the checks find in a site."""
    return chain.from_iterable(check(site) for check in CHECKS)


def hosts(site: Site) -> Iterator[Problem]:
    """The site has an active host, and no two hosts are the same machine."""
    if not site.active:
        yield Problem(("hosts",), "has no active host. Write NAME: {address: ADDRESS}.")
    first: dict[tuple[Address, int], str] = {}
    for host in site.active:
        # A cluster knows a node by its address: there, two SSH ports of one address are still one machine.
        place = host.address, 0 if site.kubernetes else host.ssh.port
        other = first.setdefault(place, host.name)
        if other != host.name:
            text = f"{host.address} of {host.name} is also the address of {other}. Give each host its own."
            yield Problem(("hosts", host.name, "address"), text)


def host_keys(site: Site) -> Iterator[Problem]:
    """Each host key written in the site is well-formed."""
    text = 'is not a host key. Write its type and base64 text, for example hostKey: "ssh-ed25519 AAAA…".'
    for host in site.active:
        if host.host_key and not is_key(host.host_key):
            yield Problem(("hosts", host.name, "hostKey"), text)
        if (bastion := host.ssh.bastion) and bastion.host_key and not is_key(bastion.host_key):
            yield Problem(("hosts", host.name, "ssh", "bastion", "hostKey"), text)


def ssh(site: Site) -> Iterator[Problem]:
    """Each level has at most one way to log in, and a way to become root."""
    for key, settings in site.levels():
        yield from (Problem((*key, "ssh"), text) for text in _login(settings.ssh))


def _login(ways: Ssh) -> Iterator[str]:
    set_ways = [
        name
        for name, value in (
            ("keyFile", ways.key_file),
            ("keySecret", ways.key_secret),
            ("passwordSecret", ways.password_secret),
        )
        if value is not None
    ]
    if len(set_ways) > 1:
        either = " or ".join(f"{name}: null" for name in set_ways)
        yield f"has {' and '.join(set_ways)}. Keep one; if the other is inherited, drop it: {either}."
    if ways.user != "root" and not ways.sudo:
        yield f"user {ways.user} cannot change a host without sudo. Take sudo: false away, or log in as root."


def quorum(site: Site) -> Iterator[Problem]:
    """The number of control planes suits etcd's majority."""
    planes = site.control_planes
    if site.kubernetes is None:
        for host in planes:
            text = "control-plane needs Kubernetes. Write kubernetes: {}, or take the role away."
            yield Problem(("hosts", host.name, "roles"), text)
        return
    replaced = [host.name for host in site.hosts.values() if host.state == "gone" and "control-plane" in host.roles]
    if not planes and replaced:
        are = "is" if len(replaced) == 1 else "are"
        text = f"has no control plane left: {', '.join(replaced)} {are} gone, and only there was the cluster's state."
        fix = "Bring one back and take its state: gone away; or take kubernetes out, with what needs it."
        yield Problem(("hosts",), f"{text} {fix}")
    elif not planes:
        yield Problem(("hosts",), "has no control plane. Write roles: [control-plane] on one host, or on three.")
    elif len(planes) % 2 == 0 and not replaced:
        text = (
            f"has {len(planes)} control planes, which tolerate no more failures than {len(planes) - 1}. Use 1, 3 or 5."
        )
        yield Problem(("hosts",), text)


def subnets(site: Site) -> Iterator[Problem]:
    """The addresses of pods and services do not overlap, and each host has a /24 for its pods."""
    if site.kubernetes is None:
        return
    pods, services = site.network.pod_subnet, site.network.service_subnet
    if pods.overlaps(services):
        yield Problem(("network", "podSubnet"), f"{pods} overlaps serviceSubnet {services}. Move one of them.")
    if not 12 <= services.prefixlen <= 28:
        yield Problem(("network", "serviceSubnet"), f"{services} has the wrong size for services. Use /12 to /28.")
    room, nodes = 2 ** (24 - pods.prefixlen) if pods.prefixlen <= 24 else 0, len(site.active)
    if nodes > room:
        text = f"{pods} has room for {room} hosts, a /24 each; the site has {nodes}."
        yield Problem(("network", "podSubnet"), f"{text} Use a /{24 - (nodes - 1).bit_length()} or larger.")


def kubernetes(site: Site) -> Iterator[Problem]:
    """The operator's own Kubernetes settings do not break the cluster."""
    if site.kubernetes is None:
        return
    arguments = site.kubernetes.api_server
    plugins = arguments.get("enable-admission-plugins")
    if plugins is not None and "NodeRestriction" not in plugins.replace(" ", "").split(","):
        text = "lacks NodeRestriction: this list replaces kubeadm's default, which has it. Add it."
        yield Problem(("kubernetes", "apiServer", "enable-admission-plugins"), text)
    if (anonymous := arguments.get("anonymous-auth", "")).lower() in FALSE:
        text = f"{anonymous} stops the API server's probes and every join by token (kubeadm#798). Take it away."
        yield Problem(("kubernetes", "apiServer", "anonymous-auth"), text)
    engine = site.container_engine
    if isinstance(engine, Docker):
        text = "the kubelet cannot use docker. Write kind: containerd, or take the key away."
        yield Problem(("engine", "kind"), text)
    if engine is not None and site.kubernetes.kubelet.get("cgroupDriver", engine.cgroup_driver) != engine.cgroup_driver:
        text = "differs from engine.cgroupDriver, which sets the kubelet's too. Write engine.cgroupDriver only."
        yield Problem(("kubernetes", "kubelet", "cgroupDriver"), text)


def repositories(site: Site) -> Iterator[Problem]:
    """No package source is listed under two names: its index can belong to one of them only."""
    first: dict[tuple[str, str], str] = {}
    for name, source in site.repositories.items():
        if source is not None:
            place = source.url.rstrip("/"), getattr(source, "suite", "")
            other = first.setdefault(place, name)
            if other != name:
                yield Problem(("repositories", name), f"is the same source as {other}. Write {name}: null.")


CHECKS: tuple[Check, ...] = (
    *(hosts, host_keys, ssh, quorum, subnets, kubernetes, repositories),
    *checks_rules.CHECKS,
    *checks_addresses.CHECKS,
    *checks_endpoint.CHECKS,
    *checks_files.CHECKS,
    *checks_hosts.CHECKS,
    *checks_components.CHECKS,
    *checks_nodes.CHECKS,
    *checks_projects.CHECKS,
    *checks_api_server.CHECKS,
    *checks_backup.CHECKS,
    *checks_encryption.CHECKS,
    *checks_values.CHECKS,
    *checks_machine.CHECKS,
    *checks_packages.CHECKS,
    *checks_net.CHECKS,
    *checks_gpu.CHECKS,
    *checks_engine.CHECKS,
    *checks_parts.CHECKS,
    *checks_listening.CHECKS,
    *compatibility.CHECKS,
)


def notes(site: Site) -> list[str]:
    """Remarks that `sitectl validate` prints about settings that are allowed: none of them stops a run."""
    of_parts = [f"{dotted(note.key)}: {note.text}" for note in checks_parts.notes(site)]
    found = [
        *checks_hosts.notes(site),
        *checks_engine.notes(site),
        *checks_gpu.notes(site),
        *compatibility.notes(site),
        *checks_components.notes(site),
        *checks_files.notes(site),
        *checks_projects.notes(site),
        *of_parts,
    ]
    for host in site.hosts.values():
        if host.state == "gone":
            found.append(f"hosts.{host.name}: gone; take the entry away after the next pulumi up.")
        elif host.state == "drained":
            found.append(f"hosts.{host.name}: drained; without its state, the next pulumi up gives it work again.")
    return found
