"""Rules between a site and its parts; each part brings the rules for its own entry. Pure functions."""

from collections.abc import Callable, Iterator

from components.gpu.config import OPERATOR
from components.parts.part import Provide
from components.problem import Key, Problem, below, dotted
from components.registry import REGISTERED, Registered
from stacks.ground import ground
from stacks.model import Site, key_of

_TAKEN = ("library", "runner", "preflight", "base", "gpu", "engine", "node", "member")
"""Names of layers that parts may not use."""

_ONCE: frozenset[Provide] = frozenset({"gpu-pods"})
"""What only one part of a site may give: two device plugins would offer the same GPUs."""

_BY_KEY: dict[Provide, str] = {"storage:default": "default: true to one of storage.classes"}
"""What a part gives by a key of its own only: the part's key alone would not bring it."""


def names(site: Site) -> Iterator[Problem]:
    """Each entry has a unique name, since its layers are named after it, and namespaces of its own."""
    first: dict[str, Key] = {}
    for entry in site.entries:
        key = (*entry.key, "name")
        other = first.setdefault(entry.name, entry.key)
        if other != entry.key:
            place = "".join(f"[{part}]" if isinstance(part, int) else part for part in other)
            yield Problem(key, f"{entry.name} is also the name of {place}. Give it another name.")
        if entry.name in _TAKEN or entry.name.startswith(("member-", "members-")):
            yield Problem(key, f"{entry.name} is the name of another layer. Use another name.")
    yield from _namespaces(site)


def _namespaces(site: Site) -> Iterator[Problem]:
    """Each namespace is made once, by the one whose name it is."""
    first: dict[str, str] = {}
    for entry in site.entries:
        for name in entry.part.cluster.all_namespaces(entry.config) if entry.part.cluster else ():
            other = first.setdefault(name, entry.name)
            if other != entry.name:
                yield Problem(entry.key, f"its namespace {name} is also that of {other}. A cluster has one of them.")
            if name in site.projects:
                text = f"is a namespace of {entry.name}. Use another name."
                yield Problem(("projects", name), text)


def answers(site: Site) -> Iterator[Problem]:
    """Each host name at the ingress leads to one part."""
    known = ground(site)
    first: dict[str, str] = {}
    for entry in site.entries:
        for key, name in entry.part.cluster.answers(entry.config, known) if entry.part.cluster else ():
            other = first.setdefault(name, entry.name) if name else entry.name
            if other != entry.name:
                text = f"{name} is where {other} answers at the ingress. Give one of them another name."
                yield Problem((*entry.key, *key), text)


def needs(site: Site) -> Iterator[Problem]:
    """The site provides what each part needs."""
    provides = ground(site).provides
    for entry in site.entries:
        for lacking in sorted(entry.wants - provides):
            yield Problem(entry.key, f"{entry.kind} needs {lacking}{_fix(site, lacking)}")


def drivers(site: Site) -> Iterator[Problem]:
    """Some part installs the drivers that hosts leave to the cluster."""
    provides = ground(site).provides
    for host in site.active:
        if host.gpu and host.gpu.driver == OPERATOR and "gpu-driver" not in provides:
            key = ("hosts", host.name, "gpu", "driver")
            yield Problem(key, f"{OPERATOR} needs gpu-driver{_fix(site, 'gpu-driver')}")


def once(site: Site) -> Iterator[Problem]:
    """What a node can have once comes from one part."""
    for provide in sorted(_ONCE):
        givers = [entry for entry in site.entries if provide in entry.given]
        for entry in givers[1:]:
            yield Problem(entry.key, f"gives {provide}, as {givers[0].key[0]} does. Keep one of them.")


def _fix(site: Site, lacking: Provide) -> str:
    if lacking == "docker":
        fix = "." if site.kubernetes else ", or write engine: {kind: docker}."
        return f", the site's engine is containerd. Give it a site of its own{fix}"
    if lacking == "kubernetes":
        return ". Write kubernetes: {}."
    if lacking in _BY_KEY:
        return f", which no part of this site gives. Add {_BY_KEY[lacking]}."
    givers = [_called(each) for each in REGISTERED if lacking in each.part.gives]
    return f", which no part of this site gives. Add {' or '.join(givers)}." if givers else ", which no part gives yet."


def _called(part: Registered) -> str:
    return part.kind if part.room == "platforms" else dotted(key_of(part))


def alone(site: Site) -> Iterator[Problem]:
    """A part that must be alone on a host has no second one of its kind there."""
    owner: dict[tuple[str, str], str] = {}
    for entry, used in zip(site.entries, site.entry_hosts, strict=True):
        if not (entry.part.host and entry.part.host.alone):
            continue
        others = {name: owner.setdefault((entry.kind, name), entry.name) for name in sorted(used)}
        taken = [(name, other) for name, other in others.items() if other != entry.name]
        for name, other in taken[:1]:
            text = f"{name} has {other} already, and a host can have only one {entry.kind}. Take {name} out here."
            yield Problem(entry.key, text)


def parts(site: Site) -> Iterator[Problem]:
    """Runs each part's own checks, also of the names of users and projects."""
    known = ground(site)
    for entry in site.entries:
        yield from below(entry.key, entry.part.checks(entry.config, known))
        yield from entry.part.names(entry.config, known)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (names, answers, needs, drivers, once, alone, parts)


def notes(site: Site) -> Iterator[Problem]:
    """The parts' remarks about settings that are allowed."""
    known = ground(site)
    for entry in site.entries:
        yield from below(entry.key, entry.part.notes(entry.config, known))
