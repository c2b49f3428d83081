"""The site as its parts see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from components.engine.config import Docker
from components.parts.part import Ground, Provide, Wave
from components.tenancy.config import Share
from components.tenancy.subjects import EMAIL, subjects
from stacks.model import Entry, Site


def ground(site: Site) -> Ground:
    """What checks and components of parts may know of the site."""
    known = Ground(
        hosts=site.hosts,
        engine=site.container_engine,
        kubernetes=site.kubernetes,
        domain=site.domain,
        users=site.users,
        projects=site.projects,
        provides=frozenset({*_own(site), *(given for entry in site.entries for given in entry.given)}),
        network=site.network,
        configs=tuple(entry.config for entry in site.entries),
    )
    oidc = site.kubernetes.oidc if site.kubernetes else None
    return replace(known, subjects=subjects(site.users, oidc, _email_claims(site, known)))


def _own(site: Site) -> set[Provide]:
    found: set[Provide] = {"kubernetes"} if site.kubernetes else set()
    # If the site names no engine, a part that needs docker brings it to its hosts.
    return found | ({"docker"} if isinstance(site.container_engine, Docker | None) else set())


def offers(site: Site) -> Iterator[tuple[Entry, str, str, int]]:
    """What each part promises that a host's node has for pods: the entry, the host, the resource, and how many."""
    known = ground(site)
    for entry in site.entries:
        if half := entry.part.cluster:
            for host, resources in half.offers(entry.config, known).items():
                yield from ((entry, host, name, count) for name, count in resources.items())


def states(site: Site) -> Mapping[str, str]:
    """The programs by which backups of the cluster save what etcd has not, by the entries' names."""
    known = ground(site)
    found = {e.name: e.part.cluster.state(e.config, known) for e in site.entries if e.part.cluster}
    return {name: state.program for name, state in found.items() if state}


def shares(site: Site) -> Mapping[str, Share]:
    """What the namespace of each project has: its own GPUs, or what a part that divides GPUs makes of them."""
    known = ground(site)
    own = {name: Share(project.gpus) for name, project in site.projects.items()}
    for entry in site.entries:
        for name, share in (entry.part.cluster.shares(entry.config, known) if entry.part.cluster else {}).items():
            own[name] = _both(own[name], share, site.projects[name].gpus)
    return own


def belongs(site: Site) -> Mapping[str, Sequence[str]]:
    """Annotations, by key and values, of namespaces that people make for a project by themselves."""
    known, found = ground(site), dict[str, list[str]]()
    for entry in site.entries:
        for key, values in (entry.part.cluster.belongs(entry.config, known) if entry.part.cluster else {}).items():
            found.setdefault(key, []).extend(values)
    return found


def email_claims(site: Site) -> frozenset[str]:
    """Claims that hold an email address in the tokens that the API server takes."""
    return _email_claims(site, ground(site))


def _email_claims(site: Site, known: Ground) -> frozenset[str]:
    halves = [(entry.part.cluster, entry.config) for entry in site.entries]
    return frozenset({EMAIL}.union(*(half.email_claims(config, known) for half, config in halves if half)))


def waves(site: Site, entry: Entry) -> Sequence[Wave]:
    """The layers of an entry on hosts."""
    half = entry.part.host
    if half is None:
        return ()
    if half.serving is None:
        return half.waves(entry.config, site.hosts)
    known = ground(site)
    halves = [(each.part.cluster, each.config) for each in site.entries]
    wanted = [folder for cluster, config in halves if cluster for folder in cluster.folders(config, known)]
    return half.serving(entry.config, site.hosts, wanted)


def _both(one: Share, other: Share, gpus: int) -> Share:
    """What two parts make of a project that has so many GPUs by itself."""
    return Share(
        gpus=one.gpus if other.gpus == gpus else other.gpus,
        labels={**one.labels, **other.labels},
        annotations={**one.annotations, **other.annotations},
    )


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """The parts in the site's order, but each after those that give what it needs or uses.

    Raises ValueError for a circle.
    """
    left, done = list(entries), list[Entry]()
    while left:
        free = (each for each in left if not any(o is not each and o.given & each.follows for o in left))
        if (first := next(free, None)) is None:
            raise ValueError(f"each of these parts needs another one first: {', '.join(entry.name for entry in left)}")
        done.append(first)
        left.remove(first)
    return done
