"""A host's network as steps: names, proxies, firewall, and preflight's checks of them. Pure.

Rows: H2, H14, H15, H16, H17, H18.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from components.host import firewalls
from components.host.addresses import Address
from components.host.config import Host
from components.host.listening import openings as of_every_host
from components.host.openings import Network, Opening
from components.host.packages import packages
from components.host.repositories import Repository
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_NEIGHBOURS = 2


def dns(host: Host, domain: str | None) -> list[Step]:
    """The site's name servers, if it names any."""
    if host.dns is None:
        return []
    search = host.dns.search or ((domain,) if domain else ())
    return [_step("dns", servers=_words(host.dns.servers), search=_words(search))]


def no_proxy(
    peers: Sequence[tuple[str, str]],
    *,
    domain: str | None = None,
    subnets: Sequence[Network] = (),
    cluster_domain: str | None = None,
    more: Sequence[str] = (),
) -> str:
    """Addresses used without a proxy: this host, the site's hosts by name and address, its domain, pods and services.

    Names come first, for programs that read only the beginning of a long list.
    """
    names = [*_LOCAL[:1], *(f".{domain}" for domain in (domain,) if domain)]
    if cluster_domain:
        names += [".svc", f".{cluster_domain}"]
    wanted = [*names, *more, *_LOCAL[1:], *(name for name, _ in peers), *(address for _, address in peers)]
    return ",".join(dict.fromkeys([*wanted, *map(str, subnets)]))


def proxy(host: Host, no_proxy: str, *, services: Sequence[str] = ()) -> list[Step]:
    """The site's proxies for every consumer; `services` are the engine's and Kubernetes' units that will be there."""
    if host.proxy is None:
        return []
    inputs = {scheme: url for scheme, url in _proxies(host).items() if url} | {"services": _words(services)}
    return [Step(_SCRIPTS / "proxy.sh", inputs, bulk={"no_proxy": no_proxy})]


def _proxies(host: Host) -> dict[str, str | None]:
    proxy = host.proxy
    return {"http": proxy.http, "https": proxy.https or proxy.http, "ftp": proxy.ftp} if proxy else {}


def socks(host: Host) -> list[Step]:
    """redsocks, if the site has a SOCKS5 proxy for the host."""
    if host.socks is None:
        return []
    wanted = host.socks
    step = _step(
        "socks",
        address=str(wanted.address),
        port=str(wanted.port),
        interfaces=_words(wanted.interfaces),
        direct=_words(wanted.direct),
    )
    return [packages(["@redsocks", "@nftables"], label="socks"), step]


def firewall(
    host: Host, openings: Sequence[Opening], site_networks: Sequence[Network], *, published: bool = False
) -> list[Step]:
    """The firewall that the site names, with `openings` of the layers in use beside those that every host has.

    If `published`, the same openings hold for ports that containers publish, in a table of nftables' own for each kind.
    Raises ValueError for two openings of one name.
    """
    if host.firewall is None:
        return []
    kind = host.firewall.kind
    if kind == "off":
        return [_step("firewall_off", keep="")]
    every = (*of_every_host(host), *openings)
    names = [opening.name for opening in every]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{host.name}: more than one opening of the firewall is called {sorted(doubled)}")
    return [
        *_ssh_stays_open(host),
        *([_step("firewalld_waits")] if kind == "firewalld" else []),
        packages(list(dict.fromkeys([f"@{kind}", *(["@nftables"] if published else [])])), label="firewall"),
        Step(_SCRIPTS / f"firewall_{kind}.sh", _table(kind), bulk=_rules(kind, every, site_networks)),
        *(_published(every, site_networks) if published else []),
        _step("firewall_off", keep=kind),
    ]


def _table(kind: str) -> Mapping[str, str]:
    return {"table": "gpu_metal"} if kind == "nftables" else {}


def _published(openings: Sequence[Opening], site: Sequence[Network]) -> list[Step]:
    rules = {"rules": firewalls.published(openings, site)}
    return [Step(_SCRIPTS / "firewall_nftables.sh", {"table": "gpu_metal_published"}, rules, label="published")]


def _ssh_stays_open(host: Host) -> list[Step]:
    """Checks, before anything is closed, that sshd listens on one of the single ports that are open to all."""
    if host.firewall is None or host.firewall.kind == "off":
        return []
    ports = [o.port for o in of_every_host(host) if o.protocol == "tcp" and o.sources == "any" and "-" not in o.port]
    return [_step("ssh_stays_open", ports=_words(ports))]


def _rules(kind: str, openings: Sequence[Opening], site: Sequence[Network]) -> Mapping[str, str]:
    if kind == "nftables":
        return {"rules": firewalls.nftables(openings, site)}
    if kind == "ufw":
        return {f"rules{n}": firewalls.ufw_rules(openings, site, family=f"ipv{n}") for n in (4, 6)}
    return {
        "zone": firewalls.firewalld_zone(openings),
        "policy": firewalls.firewalld_policy(),
        **{f"ipset{n}": firewalls.firewalld_ipset(site, family=f"ipv{n}") for n in (4, 6)},
    }


def selinux(host: Host) -> list[Step]:
    """SELinux in the declared state, if one is declared."""
    return [_step("selinux", state=host.selinux)] if host.selinux else []


def checks(
    host: Host,
    peers: Sequence[tuple[str, str]],
    *,
    no_proxy: str = "",
    repositories: Mapping[str, Repository] | None = None,
    mirrors: Sequence[str] = (),
) -> list[Step]:
    """Preflight's checks of a host's network.

    `peers` are name and address of each host of the site, itself too, in one order for all; `mirrors` are addresses of
    registries. Nothing behind a SOCKS proxy is checked: the host cannot reach it before redsocks runs.
    """
    urls = [_index(repository) for repository in (repositories or {}).values() if _is_of(host, repository)]
    registries = [f"{mirror.rstrip('/')}/v2/" for mirror in mirrors]
    steps = [*_interfaces(host), *_path(host, peers), *_ssh_stays_open(host)]
    if names := sorted({*_names_to_find(host, [*urls, *registries], no_proxy), *_time_servers(host, peers)}):
        steps.append(_step("dns_resolves", servers=_words(host.dns.servers if host.dns else ()), names=_words(names)))
    if host.socks is None:
        steps += _reachable(host, "repositories", urls, "200", no_proxy)
        steps += _reachable(host, "registries", registries, "200 401", no_proxy)
    return steps


def _interfaces(host: Host) -> list[Step]:
    declared = host.interfaces
    named = {"internal": declared.internal, "external": declared.external, "data": declared.data}
    inputs = {use: name for use, name in named.items() if name}
    if not inputs:
        return []
    if declared.mtu:
        inputs["mtu"] = str(declared.mtu)
    return [_step("interfaces", address=str(host.address), **inputs)]


def _path(host: Host, peers: Sequence[tuple[str, str]]) -> list[Step]:
    """Checks the path to the next two hosts, so that each host's cable is measured from two sides."""
    names = [name for name, _ in peers]
    if host.interfaces.mtu is None or host.name not in names:
        return []
    place = names.index(host.name)
    ring = [address for _, address in (*peers[place + 1 :], *peers[:place])][:_NEIGHBOURS]
    return [_step("mtu", mtu=str(host.interfaces.mtu), peers=_words(ring))] if ring else []


def _is_of(host: Host, repository: Repository) -> bool:
    return (repository.kind == "dnf") == (host.family == "rhel")


def _index(repository: Repository) -> str:
    """The first file that the package manager will fetch; apt has two names for it."""
    url = repository.url.rstrip("/")
    if repository.kind == "dnf":
        return f"{url}/repodata/repomd.xml"
    suite = repository.suite.removeprefix("./").strip("/")
    folder = "/".join([url, *(["dists"] if not repository.suite.endswith("/") else []), *([suite] if suite else [])])
    return f"{folder}/InRelease|{folder}/Release"


def _reachable(host: Host, label: str, urls: Sequence[str], accept: str, no_proxy: str) -> list[Step]:
    """One step for each way to `urls`: directly, by the proxy for http, by the proxy for https."""
    ways: dict[str, list[str]] = {}
    for url in urls:
        ways.setdefault(_way(host, url, no_proxy), []).append(url)
    return [
        Step(
            _SCRIPTS / "reachable.sh",
            {"urls": _words(found), "accept": accept, **({"proxy": way} if way else {})},
            label=label if len(ways) == 1 else f"{label}-{number}",
        )
        for number, (way, found) in enumerate(ways.items(), 1)
    ]


def _way(host: Host, url: str, no_proxy: str) -> str:
    """The proxy that the host uses for `url`; empty for none."""
    parts = urlsplit(url)
    if _is_direct(parts.hostname or "", no_proxy):
        return ""
    return _proxies(host).get(parts.scheme) or ""


@cache
def _is_direct(name: str, no_proxy: str) -> bool:
    """As Go's programs and curl read no_proxy: a name and what is below it, an address, a network."""
    return any(_covers(entry, name) for entry in no_proxy.split(",") if entry)


def _covers(entry: str, name: str) -> bool:
    if (network := _network(entry)) and (address := _address(name)):
        return address in network
    return name == entry.removeprefix(".") or name.endswith(f".{entry.removeprefix('.')}")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _names_to_find(host: Host, urls: Sequence[str], no_proxy: str) -> list[str]:
    """Names of `urls` that the host itself must resolve: a proxy does it for the others."""
    found = {urlsplit(url).hostname or "": url for url in urls}
    return [name for name, url in found.items() if name and not _address(name) and not _way(host, url, no_proxy)]


def _time_servers(host: Host, peers: Sequence[tuple[str, str]]) -> list[str]:
    """Names of the time servers, without the site's own hosts: no name server need know these."""
    hosts = {name for name, _ in peers}
    names = map(str, host.time_servers)
    return [name for name in names if not _address(name) and name.partition(".")[0] not in hosts]


def _words(values: Sequence[object]) -> str:
    return " ".join(map(str, values))


def _step(script: str, /, **inputs: str) -> Step:
    return Step(_SCRIPTS / f"{script}.sh", inputs)
