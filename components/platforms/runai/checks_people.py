"""What must hold of departments, projects and people. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from components.gpu.pods import named
from components.parts.part import Ground
from components.platforms.runai import nodes, people, places
from components.platforms.runai.config import PoolQuota, Runai
from components.problem import Key, Problem


def known(config: Runai, ground: Ground) -> Iterator[Problem]:
    """What the entry says is about projects, departments and users that there are."""
    for name, share in config.projects.items():
        if name not in ground.projects:
            yield Problem(
                ("projects", name), f"{name} is not one of projects of the site. Write it there, or not here."
            )
        if share.department != people.DEFAULT and share.department not in config.departments:
            text = f"{share.department} is not one of departments. Write departments: {{{share.department}: {{}}}}."
            yield Problem(("projects", name, "department"), text)
    for index, name in enumerate(config.administrators):
        if name not in ground.users:
            yield Problem(("administrators", index), f"{name} is not one of users. Write it there, or not here.")


def pools(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Node pools have nodes, and each node one pool."""
    owner: dict[str, str] = {}
    for name, node_pool in config.node_pools.items():
        key = ("nodePools", name)
        if name == people.DEFAULT:
            yield Problem(key, "default has all nodes that are in no other pool. Give it another name.")
        for index, word in enumerate(node_pool.hosts):
            if not (found := named([word], ground.hosts)):
                yield Problem((*key, "hosts", index), f"{word} is neither a host nor a group with hosts. Write one.")
            for host in found:
                if owner.setdefault(host, name) != name:
                    yield Problem((*key, "hosts", index), f"{host} is in {owner[host]} already. Take it out of one.")


def pools_known(config: Runai, _: Ground) -> Iterator[Problem]:
    """Quotas are of pools that there are."""
    for place, each in (("departments", config.departments), ("projects", config.projects)):
        for name, of in each.items():
            for pool in of.pools:
                if pool != people.DEFAULT and pool not in config.node_pools:
                    text = f"{pool} is not one of nodePools, nor default. Write nodePools: {{{pool}: {{hosts: […]}}}}."
                    yield Problem((place, name, "pools", pool), text)


def doubled(config: Runai, _: Ground) -> Iterator[Problem]:
    """Pools replace the keys that are about the pool default."""
    for place, each in (("departments", config.departments), ("projects", config.projects)):
        for name, of in each.items():
            said = [key for key in ("gpus", "limit", "over_quota") if key in of.model_fields_set]
            if of.pools and said:
                alias = type(of).model_fields[said[0]].alias
                text = f"is what pools say by pool. Write pools: {{default: {{{alias}: …}}}}, or take pools away."
                yield Problem((place, name, str(alias)), text)


def limits(config: Runai, ground: Ground) -> Iterator[Problem]:
    """A limit is no less than what is deserved, and pools together deserve the project's GPUs."""
    for name in config.departments:
        yield from _limits(("departments", name), people.department_pools(config, name))
    for name, share in config.projects.items():
        if name not in ground.projects:
            continue
        yield from _limits(("projects", name), people.project_pools(config, name, ground))
        deserved = sum(pool.gpus for pool in share.pools.values())
        wanted = ground.projects[name].gpus
        if share.pools and deserved != wanted:
            text = f"deserve {deserved:g} GPUs together, and projects.{name}.gpus of the site is {wanted}."
            yield Problem(("projects", name, "pools"), f"{text} Make both equal.")


def _limits(key: Key, pools: Mapping[str, PoolQuota]) -> Iterator[Problem]:
    for name, pool in pools.items():
        if pool.limit is not None and pool.limit < pool.gpus:
            where = (*key, "limit") if name == people.DEFAULT else (*key, "pools", name, "limit")
            text = f"{pool.limit:g} is less than the {pool.gpus:g} GPUs that it deserves. Write {pool.gpus:g} or more."
            yield Problem(where, text)


def fits(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Projects of a department deserve no more than it does, and departments no more than there is."""
    for name in config.departments:
        mine = [project for project in ground.projects if people.share(config, project).department == name]
        for pool, quota in people.department_pools(config, name).items():
            asked = [people.project_pools(config, project, ground).get(pool) for project in mine]
            deserved = sum(each.gpus for each in asked if each)
            if deserved > quota.gpus:
                text = (
                    f"deserves {quota.gpus:g} GPUs of pool {pool}, and its projects ({', '.join(mine)}) {deserved:g}."
                )
                yield Problem(("departments", name), f"{text} Give it more, or them less.")
    there = _there(config, ground)
    together = Counter[str]()
    for name in config.departments:
        together.update({pool: quota.gpus for pool, quota in people.department_pools(config, name).items()})
    for pool, deserved in together.items():
        if sum(there.values()) and pool in there and deserved > there[pool]:
            seen = f"{there[pool]}{_gone(config, ground, pool)}"
            text = f"deserve {deserved:g} GPUs of pool {pool} together, and its hosts have {seen}. Give them less."
            yield Problem(("departments",), text)
    yield from _without_pools(config, ground)
    for name, share in config.projects.items():
        for pool, quota in share.pools.items():
            if sum(there.values()) and pool in there and quota.gpus > there[pool]:
                seen = f"{there[pool]}{_gone(config, ground, pool)}"
                text = f"deserves {quota.gpus:g} GPUs, and the hosts of pool {pool} have {seen}. Give it less."
                yield Problem(("projects", name, "pools", pool, "gpus"), text)


def _without_pools(config: Runai, ground: Ground) -> Iterator[Problem]:
    """A project without pools has all its GPUs of the pool default, beside which others may leave few hosts.

    Hosts that are gone count too, as for the site's own check, which is about all pools together.
    """
    there = _there(config, ground, gone=True)
    divided = config.node_pools and people.DEFAULT not in config.node_pools
    for name, project in ground.projects.items():
        if divided and not people.share(config, name).pools and project.gpus > there[people.DEFAULT]:
            text = f"{project.gpus} GPUs are all of pool {people.DEFAULT}, and its hosts have {there[people.DEFAULT]}"
            fix = f"Write projects.{name}.pools of Run:ai, which name the pools, or {there[people.DEFAULT]} at most."
            yield Problem(("projects", name, "gpus"), f"{text}. {fix}", elsewhere=True)


def _gone(config: Runai, ground: Ground, pool: str) -> str:
    """Names the hosts whose GPUs do not count any more, where there are such."""
    words = config.node_pools[pool].hosts if pool in config.node_pools else list(ground.hosts)
    names = [name for name in named(words, ground.hosts) if ground.hosts[name].state == "gone"]
    return f" ({', '.join(names)} gone)" if names else ""


def _there(config: Runai, ground: Ground, *, gone: bool = False) -> dict[str, int]:
    """How many GPUs the hosts of each pool have; with `gone` those of hosts that are gone, too."""
    found = dict.fromkeys((people.DEFAULT, *config.node_pools), 0)
    for host in ground.hosts.values():
        if host.gpu and (gone or host.state != "gone"):
            found[nodes.pool_of(config, host) or people.DEFAULT] += host.gpu.count
    return found


CHECKS: tuple[Callable[[Runai, Ground], Iterator[Problem]], ...] = (known, pools, pools_known, doubled, limits, fits)


def names(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Users without an email, and projects whose names Run:ai cannot have."""
    at_work = {member for project in ground.projects.values() for member in project.members}
    for name in sorted({*at_work, *config.administrators}):
        if name in ground.users and ground.users[name].email is None:
            yield Problem(("users", name), "has no email, by which Run:ai knows people. Write email: NAME@….")
    emails: dict[str, str] = {}
    for name, email in people.members(config, ground).items():
        other = emails.setdefault(email.lower(), name)
        if other != name:
            yield Problem(("users", name, "email"), f"is also that of {other}. Give each user an own one.")
        if email.lower() == config.admin.email.lower():
            yield Problem(
                ("users", name, "email"), "is that of Run:ai's first administrator (admin.email). Use another."
            )
    for name in ground.projects:
        if not name[0].isalpha():
            yield Problem(("projects", name), "is no name for Run:ai, where a letter is first. Use another name.")
        if name == places.RESERVATION:
            yield Problem(("projects", name), "is a namespace that Run:ai makes for itself. Use another name.")
