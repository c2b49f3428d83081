"""No two services of a host use the same port. Services of rooms and parts count, firewall openings do not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

from components.host.listening import Listening
from components.problem import Key, Problem, dotted
from stacks.model import Entry, Site
from stacks.needed import listening

Pair = tuple[Listening, Listening]


def collisions(site: Site) -> Iterator[Problem]:
    """One problem for each pair of services that want the same port, with the hosts on which they do."""
    entries = {entry.key: entry for entry in site.entries}
    found: dict[tuple[str, str, str], tuple[Pair, list[str]]] = {}
    for host in site.active:
        for pair, ports in _meeting(listening(site, host)):
            if not _of_a_kind(pair, entries):
                found.setdefault((pair[0].name, pair[1].name, ports), (pair, []))[1].append(host.name)
    for (_, _, ports), (pair, hosts) in found.items():
        yield _problem(pair, ports, str(NodeSet.fromlist(hosts, resolver=RESOLVER_NOGROUP)))


def _meeting(every: Sequence[Listening]) -> Iterator[tuple[Pair, str]]:
    placed = [(each, ports) for each in every if (ports := each.ports)]
    for (one, ports), (other, theirs) in combinations(placed, 2):
        first, last = max(ports[0], theirs[0]), min(ports[-1], theirs[-1])
        if first <= last and one.protocol == other.protocol:
            both = str(first) if first == last else f"{first}-{last}"
            yield (one, other), both if one.protocol == "tcp" else f"{both}/{one.protocol}"


def _of_a_kind(pair: Pair, entries: Mapping[Key, Entry]) -> bool:
    """True for two parts of a kind that must be alone on a host: checks_parts.alone reports them already."""
    one, other = (entries.get(each.key[:2]) or entries.get(each.key[:1]) for each in pair)
    if one is None or other is None or one is other or one.registered is not other.registered:
        return False
    return one.part.host is not None and one.part.host.alone


def _problem(pair: Pair, ports: str, hosts: str) -> Problem:
    """The problem, at the key of the service whose port can change; at the later one if both can."""
    one, other = pair if pair[1].fixed else pair[::-1]
    fix = "Use another port." if other.fixed else "Give one of them another port."
    if one.fixed:
        fix = "Neither can move: put one of them on another host."
    text = f"port {ports} of {hosts} is for {one.what} and for {other.what} ({dotted(other.key)}). {fix}"
    return Problem(one.key, text)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (collisions,)
