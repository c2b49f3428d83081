"""What must hold of volumes. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator

from components.parts.part import Ground
from components.parts.storage import layout
from components.parts.storage.config import Storage, Volume
from components.parts.storage.sizes import size
from components.problem import Problem

_OWN = ("default", "kube-system", "kube-public")
"""Namespaces that each cluster has."""


def places(config: Storage, _: Ground) -> Iterator[Problem]:
    """Each volume has a server and a path there."""
    for name, volume in config.volumes.items():
        key, absolute = ("volumes", name), volume.path.startswith("/")
        if volume.server is None and config.nfs is None and config.server is None:
            text = "has no server, and the site has none for all. Write server here, or storage.nfs or storage.server."
            yield Problem(key, text)
        elif volume.server and not absolute:
            text = f"{volume.path} does not begin with /, and the volume has a server of its own. Write the path there."
            yield Problem((*key, "path"), text)
        elif not volume.server and absolute:
            text = f"{volume.path} begins with /, and is a folder below the site's share. Write it from there on."
            yield Problem((*key, "path"), text)


def claims(config: Storage, ground: Ground) -> Iterator[Problem]:
    """Each claim is one volume's, in a namespace that is there."""
    first: dict[tuple[str, str], str] = {}
    for name, volume in config.volumes.items():
        key = ("volumes", name)
        if volume.namespace is None:
            if volume.claim:
                yield Problem((*key, "claim"), "has no namespace. Write the project that it is for, or take it out.")
            continue
        if volume.namespace not in (*ground.projects, *_OWN):
            text = f"{volume.namespace} is not a namespace of this site. Write one of projects, or default."
            yield Problem((*key, "namespace"), text)
        claim = volume.claim or name
        other = first.setdefault((volume.namespace, claim), name)
        if other != name:
            where = "claim" if volume.claim else "namespace"
            text = f"the claim {claim} in {volume.namespace} is that of volumes.{other} too. Give it another name."
            yield Problem((*key, where), text)


def folders(config: Storage, _: Ground) -> Iterator[Problem]:
    """Owner and mode are set on a server that we run, and two volumes on one folder agree on them."""
    first: dict[str, tuple[str, Volume]] = {}
    served = layout.served(config)
    for name, volume in config.volumes.items():
        for field in ("owner", "mode"):
            if getattr(volume, field) and name not in served:
                text = "is of a folder on a server that the site does not run. Set it there, and take it out here."
                yield Problem(("volumes", name, field), text)
    for name, volume in served.items():
        other, same = first.setdefault(volume.path, (name, volume))
        for field in ("owner", "mode"):
            if getattr(volume, field) != getattr(same, field):
                said = getattr(same, field) or "none"
                text = f"{said} is that of volumes.{other}, which has the same folder. Write one for both."
                yield Problem(("volumes", name, field if getattr(volume, field) else "path"), text)


def capacity(config: Storage, _: Ground) -> Iterator[Problem]:
    """The volumes of the site's share fit it together."""
    whole = config.nfs or config.server
    if whole is None or whole.capacity is None:
        return
    of_share = [volume for volume in config.volumes.values() if not volume.server]
    wanted = sum(size(volume.capacity) for volume in of_share)
    if wanted > size(whole.capacity):
        key = ("nfs" if config.nfs else "server", "capacity")
        text = f"{whole.capacity} is less than the {wanted / 1024**3:g}Gi that the volumes there promise together."
        yield Problem(key, f"{text} Write smaller ones, or what the share really has.")


VOLUMES: tuple[Callable[[Storage, Ground], Iterator[Problem]], ...] = (places, claims, folders, capacity)
