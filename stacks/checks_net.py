"""Rules between the network keys of a site. Pure functions; each problem names the key and the fix."""

from collections.abc import Iterator

from components.forms import ports
from components.host.listening import openings as of_every_host
from components.host.net import Proxy
from components.problem import Key, Problem
from stacks.model import Site
from stacks.needed import listening

NAME_LIMIT = 253
"""Letters of a full name in DNS, dots included (RFC 1123)."""
_SHELL = set("'\"`$\\")


def proxies(site: Site) -> Iterator[Problem]:
    """Proxies are written without signs that are special in the files that name them."""
    for key, level in site.levels():
        if level.proxy is not None:
            yield from (Problem((*key, "proxy", *inner), text) for inner, text in _proxy(level.proxy))


def _proxy(proxy: Proxy) -> Iterator[tuple[Key, str]]:
    urls = {"http": proxy.http, "https": proxy.https, "ftp": proxy.ftp}
    if not any(urls.values()):
        yield (), 'names no proxy. Write http: "http://HOST:PORT", or take proxy away.'
    for name, url in urls.items():
        if url and set(url) & _SHELL:
            yield (name,), "has a quote, $ or \\, which is special in the files that name it. Write %XX for it."
    for index, entry in enumerate(proxy.no_proxy):
        if not entry or set(entry) & (_SHELL | set(" ,\t\n")):
            yield ("noProxy", index), "is not one name, address or network. Write each as an item of the list."


def resolvers(site: Site) -> Iterator[Problem]:
    """No name server is listed twice."""
    for key, level in site.levels():
        if level.dns is not None and len(set(level.dns.servers)) < len(level.dns.servers):
            text = "has one server twice: when it fails, both do. Write each once."
            yield Problem((*key, "dns", "servers"), text)


def interfaces(site: Site) -> Iterator[Problem]:
    """An MTU has an interface that it applies to, and redsocks is not bound to lo."""
    for key, level in site.levels():
        named = level.interfaces
        if named.mtu is not None and named.internal is None and named.data is None:
            yield Problem((*key, "interfaces", "mtu"), "has no interface to apply to. Write internal or data too.")
        for index, name in enumerate(level.socks.interfaces if level.socks else ()):
            if name == "lo":
                text = "is lo: the host's own traffic is sent to the proxy in any case. Take it away."
                yield Problem((*key, "socks", "interfaces", index), text)


def openings(site: Site) -> Iterator[Problem]:
    """Firewall openings of the site have valid ports, and names that no layer uses."""
    taken = _taken(site)
    for key, level in site.levels():
        for name, allow in (level.firewall.allow if level.firewall else {}).items():
            where = (*key, "firewall", "allow", name)
            if name in taken:
                yield Problem(where, "is the name of an opening that a layer makes. Use another name.")
            if ports(allow.port) is None:
                text = f'{allow.port} is not a port or range. Write one of 1 to 65535, or "FIRST-LAST".'
                yield Problem((*where, "port"), text)


def _taken(site: Site) -> set[str]:
    every = [host.model_copy(update={"firewall": None}) for host in site.active]
    own = {opening.name for host in every for opening in of_every_host(host)}
    return own | {each.name for host in site.active for each in listening(site, host)}


def names(site: Site) -> Iterator[Problem]:
    """No host's name is longer with the domain than DNS allows."""
    full = [name for name in site.hosts if "." not in name or (site.registry and site.registry.host == name)]
    if site.domain and full:
        longest = max(full, key=len)
        length = len(longest) + 1 + len(site.domain)
        if length > NAME_LIMIT:
            text = f"makes {longest} a name of {length} letters, and a full name has {NAME_LIMIT} at most."
            yield Problem(("domain",), f"{text} Shorten one of them.")


CHECKS = (names, proxies, resolvers, interfaces, openings)
