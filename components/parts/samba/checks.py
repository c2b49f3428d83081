"""What must hold of Samba shares in their site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain, combinations
from pathlib import PurePosixPath

from components.host.folders import not_mountable, not_own
from components.parts.part import Ground
from components.parts.samba.config import Samba, Share
from components.parts.samba.steps import members
from components.parts.storage.config import Storage
from components.parts.storage.layout import below, served
from components.problem import Problem


def host(config: Samba, ground: Ground) -> Iterator[Problem]:
    """The host is one of the site's."""
    if config.host not in ground.hosts:
        yield Problem(("host",), f"{config.host} is not one of hosts. Write one of: {', '.join(ground.hosts)}.")


def users(config: Samba, ground: Ground) -> Iterator[Problem]:
    """Each user is the site's and has an account on the host."""
    at = ground.hosts.get(config.host)
    for name in config.users:
        if name not in ground.users:
            yield Problem(("users", name), f"{name} is not one of users. Write users: {{{name}: {{uid: …}}}}, too.")
        elif at and at.state != "gone" and name not in at.accounts:
            text = f"has no account on {at.name}. Write hosts.{at.name}.frontEnd: true, which gives one to each user"
            login = "with a uid; or accounts there, with shell: /usr/sbin/nologin for those who must not log in by SSH"
            yield Problem(("users", name), f"{text} {login}.")


def shares(config: Samba, _: Ground) -> Iterator[Problem]:
    """Who enters a share is a user of it, and named once."""
    for name, share in config.shares.items():
        for index, user in enumerate(share.users or ()):
            key = ("shares", name, "users", index)
            if user not in config.users:
                yield Problem(key, f"{user} is not one of samba.users. Write it there, with passwordSecret.")
            elif user in (share.users or ())[:index]:
                yield Problem(key, f"{user} is named twice. Take one out.")
        if share.users == ():
            yield Problem(("shares", name, "users"), "is empty: nobody may enter. Take it away for all users.")
        for index, user in enumerate(share.read_only):
            if user not in members(config, share):
                key = ("shares", name, "readOnly", index)
                yield Problem(key, f"{user} may not enter this share. Write it into users, too, or take it out.")


def folders(config: Samba, _: Ground) -> Iterator[Problem]:
    """No share lies in the homes of another: users would read what is one user's own."""
    for (one, first), (other, second) in combinations(config.shares.items(), 2):
        for name, outer, inner in ((other, first, second), (one, second, first)):
            if _holds(outer, inner):
                text = f"{inner.path} is in {outer.path}, which is another share's. Write a folder beside it."
                yield Problem(("shares", name, "path"), text)
                break


def _holds(outer: Share, inner: Share) -> bool:
    """Whether an inner share opens what the outer one keeps apart, or both set the same folder's group and mode."""
    if not (outer.homes or inner.homes) and outer.path == inner.path:
        return False
    return PurePosixPath(inner.path).is_relative_to(outer.path)


def owned(config: Samba, _: Ground) -> Iterator[Problem]:
    """What gets the group and the mode of a share, or the owner of a home, is nothing that another program needs."""
    for name, share in config.shares.items():
        for path in [f"{share.path}/{user}" for user in members(config, share)] if share.homes else [share.path]:
            # One that no client may get is refused already.
            if not not_mountable(path) and (text := not_own(path)):
                yield Problem(("shares", name, "path"), text)
                break


def volumes(config: Samba, ground: Ground) -> Iterator[Problem]:
    """A folder that pods have as a volume too has one owner and mode: the volume's or the share's."""
    storage = ground.config(Storage)
    if storage is None or storage.nfs is None or storage.nfs.host != config.host:
        return
    for name, volume in served(storage).items():
        for each, share in config.shares.items():
            if below(storage.nfs.path, volume.path) != share.path:
                continue
            if not share.homes and (volume.owner or volume.mode):
                text = f"is also storage.volumes.{name}, whose owner and mode would be changed back and forth."
                yield Problem(("shares", each, "path"), f"{text} Take owner and mode away there.")
            elif share.homes and volume.mode and not int(volume.mode[-1]) & 1:
                text = f'is also storage.volumes.{name}, whose mode "{volume.mode}" keeps users out of their homes.'
                yield Problem(("shares", each, "path"), f'{text} Write another folder, or mode "0711" there.')


CHECKS: tuple[Callable[[Samba, Ground], Iterator[Problem]], ...] = (*(host, users, shares, folders, owned, volumes),)


def checks(config: Samba, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Samba, _: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    if not config.encrypt:
        yield Problem(("encrypt",), "files travel in clear to clients that do not encrypt.")
