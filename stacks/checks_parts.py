"""Rules between a site and its parts; each part brings the rules for its own entry. Pure functions."""

from collections.abc import Callable, Iterator

from components.parts.part import Provide
from components.problem import Key, Problem, below
from components.registry import REGISTERED
from stacks.ground import ground
from stacks.model import Site

_TAKEN = ("library", "runner", "preflight", "base", "gpu", "engine", "node", "member")
"""Names of layers that parts may not use."""


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
        for name in entry.part.cluster.namespaces if entry.part.cluster else ():
            other = first.setdefault(name, entry.name)
            if other != entry.name:
                yield Problem(entry.key, f"its namespace {name} is also that of {other}. A cluster has one of them.")
            if name in site.projects:
                text = f"is a namespace of {entry.name}. Use another name."
                yield Problem(("projects", name), text)


def needs(site: Site) -> Iterator[Problem]:
    """The site provides what each part needs."""
    provides = ground(site).provides
    for entry in site.entries:
        for lacking in sorted(entry.part.wants - provides):
            yield Problem(entry.key, f"{entry.kind} needs {lacking}{_fix(site, lacking)}")


def _fix(site: Site, lacking: Provide) -> str:
    if lacking == "docker":
        fix = "." if site.kubernetes else ", or write engine: {kind: docker}."
        return f", the site's engine is containerd. Give it a site of its own{fix}"
    if lacking == "kubernetes":
        return ". Write kubernetes: {}."
    givers = [each.kind for each in REGISTERED if lacking in each.part.gives]
    return f", which no part of this site gives. Add {' or '.join(givers)}." if givers else ", which no part gives yet."


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


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (names, needs, alone, parts)


def notes(site: Site) -> Iterator[Problem]:
    """The parts' remarks about settings that are allowed."""
    known = ground(site)
    for entry in site.entries:
        yield from below(entry.key, entry.part.notes(entry.config, known))
