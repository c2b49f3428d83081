"""Departments, projects and who may do what in them, from the site's own projects and users. Pure.

Rows: R6, R7.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from components.parts.part import Ground
from components.platforms.runai import kubeflow, places, versions
from components.platforms.runai.config import PoolQuota, ProjectShare, Runai
from components.tenancy.config import Share

DEFAULT = "default"
"""The department and the node pool that Run:ai has by itself."""

Pools = Mapping[str, PoolQuota]


class Access(NamedTuple):
    """A role of somebody in a place."""

    subject: str
    """A user's email, or a group's name."""
    kind: Literal["user", "group"]
    role: str
    scope: str
    """A project's name, or empty: the whole cluster."""


def share(config: Runai, project: str) -> ProjectShare:
    """What the entry says of a project."""
    return config.projects.get(project, ProjectShare())


def departments(config: Runai, ground: Ground) -> dict[str, Pools]:
    """What each department gets, by node pool; default has its projects' own, and shares idle GPUs with the others."""
    found = {name: department_pools(config, name) for name in config.departments}
    own: dict[str, float] = {DEFAULT: 0}
    for project in ground.projects:
        if share(config, project).department == DEFAULT:
            for pool, quota in project_pools(config, project, ground).items():
                own[pool] = own.get(pool, 0) + quota.gpus
    return {DEFAULT: {pool: PoolQuota(gpus=gpus) for pool, gpus in own.items()}, **found}


def department_pools(config: Runai, name: str) -> Pools:
    """What the site says that a department gets, by node pool."""
    of = config.departments[name]
    return of.pools or {DEFAULT: PoolQuota(gpus=of.gpus, limit=of.limit, overQuota=of.over_quota)}


def project_pools(config: Runai, name: str, ground: Ground) -> Pools:
    """What a project gets, by node pool: its gpus in the site are what it deserves."""
    of = share(config, name)
    return of.pools or {DEFAULT: PoolQuota(gpus=ground.projects[name].gpus, limit=of.limit, overQuota=of.over_quota)}


def members(config: Runai, ground: Ground) -> dict[str, str]:
    """Email by the name of each user that Run:ai is to know: members of projects, and administrators."""
    wanted = [*config.administrators, *(name for each in ground.projects.values() for name in each.members)]
    known = {name: ground.users[name].email for name in dict.fromkeys(wanted) if name in ground.users}
    return {name: email for name, email in known.items() if email}


def role(config: Runai, project: str) -> str:
    """What a project's members may do."""
    return share(config, project).role or versions.ROLES[config.version[0]]


def accesses(config: Runai, ground: Ground) -> Iterator[tuple[str, Access]]:
    """Each role that somebody has, with the name of its resource."""
    emails = members(config, ground)
    for name in config.administrators:
        if name in emails:
            yield f"administrator-{name}", Access(emails[name], "user", versions.ADMINISTRATOR, "")
    for project, of in ground.projects.items():
        for name in of.members:
            if name in emails:
                yield f"{project}-member-{name}", Access(emails[name], "user", role(config, project), project)
        for group in of.groups:
            yield f"{project}-group-{group}", Access(group, "group", role(config, project), project)


def email_claims(config: Runai, ground: Ground) -> Sequence[str]:
    """The claim `sub` of Run:ai's own tokens: it has the name by which people log in, which is their email."""
    of = ground.kubernetes.oidc if ground.kubernetes else None
    return ["sub"] if of and of.issuer == places.issuer(config, ground) else []


def shares(config: Runai, ground: Ground) -> Mapping[str, Share]:
    """What the projects' namespaces have for Run:ai: the label by which it finds them, and room for idle GPUs."""
    there = sum(host.gpu.count for host in ground.hosts.values() if host.gpu)
    found = {}
    for name in ground.projects:
        pools = project_pools(config, name, ground).values()
        most = sum(_most(pool, there) for pool in pools)
        gpus = min(int(most), max(there, ground.projects[name].gpus))
        notes = kubeflow.annotations(config, name, ground)
        found[name] = Share(gpus, labels={places.QUEUE: name}, annotations=notes)
    return found


def _most(pool: PoolQuota, there: int) -> float:
    """How many GPUs a pool may come to give."""
    if pool.over_quota == 0:
        return pool.gpus
    return there if pool.limit is None else pool.limit
