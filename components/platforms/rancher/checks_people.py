"""What must hold of Rancher's users and projects. Pure; each problem names key and fix.

Rows: T5.
"""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from components.model import amount
from components.parts.part import Ground
from components.parts.storage.config import Storage
from components.platforms.rancher import people, places, versions
from components.platforms.rancher.config import Bounds, Rancher
from components.problem import Problem
from components.shown import quoted
from components.tenancy.config import Project

LOCAL = ("cattle-", "local", "fleet-", "p-", "u-", "user-")
"""How the names of namespaces begin that Rancher makes for itself: clusters, projects, users, its own programs."""


def known(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """Names of users and projects are the site's."""
    for name in config.users:
        if name not in ground.users:
            yield Problem(("users", name), f"{name} is not one of users of the site. Write it there, or not here.")
    for name in config.projects:
        if name not in ground.projects:
            text = f"{name} is not one of projects of the site. Write it there, or not here."
            yield Problem(("projects", name), text)


def first_passwords(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """Each user has a first password."""
    lacking = [name for name in ground.users if people.first_password(config, name) is None]
    if lacking:
        text = f"is missing, and {', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no first password"
        yield Problem(("firstPasswordSecret",), f"{text}. Write the name of a secret here, or under users.")


def within(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """A namespace gets no more than its project has, and nothing that the project does not bound."""
    for name, share in config.projects.items():
        if name in ground.projects:
            yield from _above(name, share.namespace, ground.projects[name])


def _above(name: str, own: Bounds, of: Project) -> Iterator[Problem]:
    pairs = {
        "cpu": (own.cpu, of.cpu),
        "memory": (own.memory, of.memory),
        "gpus": (own.gpus, of.gpus),
        "pods": (own.pods, of.pods),
        "storage": (own.storage, of.storage),
    }
    for key, (mine, most) in pairs.items():
        where = ("projects", name, "namespace", key)
        if mine is None:
            continue
        if most is None:
            text = f"is {mine}, and projects.{name}.{key} of the site has no bound: Rancher wants both or none"
            yield Problem(where, f"{text}. Write it there, too, or take it away here.")
        elif amount(str(mine)) > amount(str(most)):
            text = f"{mine} is more than the {most} of projects.{name}.{key} of the site"
            yield Problem(where, f"{text}. Write {most} or less.")


def volumes(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """No volume has the name of one of the site's."""
    of = ground.config(Storage)
    if config.volumes and of:
        for name in sorted(people.projects(config, ground).keys() & of.volumes.keys()):
            text = f"would make a volume {name}, as storage.volumes does. Take it away there, or rename it."
            yield Problem(("volumes",), text)


CHECKS: tuple[Callable[[Rancher, Ground], Iterator[Problem]], ...] = (known, first_passwords, within, volumes)


def names(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """Users and projects whose names Rancher cannot have."""
    if places.ADMIN in ground.users:
        yield Problem(("users", places.ADMIN), "is Rancher's own first user. Use another name.")
    for name in people.projects(config, ground):
        key = ("users" if name not in ground.projects else "projects", name)
        if len(places.backing(name)) > versions.NAMESPACE:
            most = versions.NAMESPACE - len(places.backing(""))
            text = f"has {len(name)} letters, and Rancher makes a namespace {places.backing('NAME')}: {most} at most."
            yield Problem(key, text)
        if name.startswith(LOCAL):
            begin = next(each for each in LOCAL if name.startswith(each))
            yield Problem(key, f"begins with {quoted(begin)}, as namespaces of Rancher's own do. Use another name.")


def notes(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """What is allowed, and Rancher does not know of."""
    for name, project in ground.projects.items():
        if project.groups:
            text = f"projects.{name}.groups have no role in Rancher: its own users are in no group. Name members."
            yield Problem((), text)
    yield from _folders(config, ground)
    for name in sorted(ground.users.keys() & ground.projects.keys()) if config.personal else ():
        gpus, folder = ground.projects[name].gpus, ", and its folder is open to all" if config.volumes else ""
        text = (
            f"is not for {name}: projects.{name} of the site has that name, with its own quota (gpus: {gpus}) and role"
        )
        yield Problem(
            ("personal",), f"{text}{folder}. Take projects.{name} away, or write there what {name} shall have."
        )
    if config.personal and not config.volumes:
        text = "gives no volume: with volumes, each project gets one on an NFS server."
        yield Problem(("personal",), text)


def _folders(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """What of the volumes' folders the site does not make, though the server is its own."""
    of = ground.config(Storage)
    own = of.nfs if of else None
    if not config.volumes or not own or config.volumes.server not in {own.host, str(ground.hosts[own.host].address)}:
        return
    lacking = [name for name in people.personal(config, ground) if ground.users[name].uid is None]
    if lacking:
        text = f"makes no folder for {', '.join(lacking)}, without a uid under users of the site. Write one."
        yield Problem(("volumes",), text)
    if not PurePosixPath(config.volumes.path).is_relative_to(own.path):
        text = f"{config.volumes.path} is not below {own.path}, which {own.host} exports by storage.nfs"
        yield Problem(("volumes", "path"), f"{text}. Write a path below that, or see to folders and export by hand.")
