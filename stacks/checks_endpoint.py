"""Rules for kubernetes.endpoint and virtualAddress: the address of the API server. Each problem names the fix. Pure."""

from collections.abc import Callable, Iterator

from components.host.addresses import not_a_machines
from components.host.config import Host
from components.kubernetes.endpoint import Endpoint, parsed
from components.kubernetes.kubeadm import API_PORT
from components.problem import Key, Problem
from components.shown import quoted
from stacks.model import Site

_KEY: Key = ("kubernetes", "endpoint")
_MOVING: Key = ("kubernetes", "virtualAddress")


def endpoint(site: Site) -> Iterator[Problem]:
    """Several control planes share one endpoint, which leads to all of them and to no other host."""
    if site.kubernetes is None:
        return
    planes, written = site.control_planes, site.kubernetes.endpoint
    if written is None:
        if len(planes) > 1 and site.kubernetes.virtual_address is None:
            text = (
                f'is missing: {len(planes)} control planes need one address. Write endpoint: "HOST:{API_PORT}", that of'
            )
            fix = "your load balancer; or virtualAddress: {address: ADDRESS}, which needs none."
            yield Problem(_KEY, f"{text} {fix}")
        return
    if (found := parsed(written)) is None:
        text = f'{quoted(written)} is not HOST:PORT, with a port of 1 to 65535, for example "api.example.org:6443".'
        yield Problem(_KEY, text)
    elif wrong := not_a_machines(found.address or found.host):
        yield Problem(_KEY, wrong)
    else:
        yield from (Problem(_KEY, f"{quoted(written)} {text}") for text in _leads(site, found))


def _leads(site: Site, endpoint: Endpoint) -> Iterator[str]:
    """What is wrong with where the endpoint leads: a host of the site is known to it by name or address."""
    planes = site.control_planes
    host = next((host for host in site.hosts.values() if _is(host, endpoint, site.domain)), None)
    if host is None:
        return
    fix = _fix(len(planes), planes[0] if planes else None)
    if host.state == "gone":
        yield f"is {host.name}, which is gone. {fix}"
    elif host not in planes:
        yield f"is {host.name}, which is not a control plane: no API server answers there. {fix}"
    elif len(planes) > 1:
        yield f"is {host.name} alone: without it, no host would find the {len(planes) - 1} others. {fix}"
    elif endpoint.port != API_PORT:
        yield f"is {host.name}, whose API server listens on port {API_PORT}. {fix}"


def _fix(planes: int, only: Host | None) -> str:
    if planes == 1 and only:
        return f"Take the key away: then it is {only.address}:{API_PORT}."
    return "Write the address of a load balancer in front of all control planes, or one that moves between them."


def _is(host: Host, endpoint: Endpoint, domain: str | None) -> bool:
    names = {host.name, f"{host.name}.{domain}"} if domain else {host.name}
    return endpoint.host in names or endpoint.address == host.address


def moving(site: Site) -> Iterator[Problem]:
    """The address that moves belongs to no host, and the endpoint, if one is written, leads to it."""
    address = site.kubernetes.virtual_address if site.kubernetes else None
    if site.kubernetes is None or address is None:
        return
    for host in site.active:
        if host.address == address.address:
            text = (
                f"{address.address} is the address of {host.name}. Write one of the same network that no machine has."
            )
            yield Problem((*_MOVING, "address"), text)
    written = site.kubernetes.endpoint
    if (found := parsed(written) if written else None) is None:
        return
    if found.port != address.port:
        text = f"{quoted(written)} has another port than virtualAddress, {address.port}. Write the same port in both."
        yield Problem(_KEY, text)
    elif found.address not in (None, address.address):
        text = f"{quoted(written)} is not virtualAddress, {address.address}. Take endpoint away; or write a name that"
        yield Problem(_KEY, f"{text} your name servers know for {address.address}.")


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (endpoint, moving)
