"""`sitectl registry list` and `clean`: the images of the site's private registry, and the space that they take.

Rows: N8, C3.
"""

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import typer

from components.hostrun.fleet import Fleet
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from ops import render
from ops import site as sites
from ops.asking import agreed
from ops.flags import Flags, Output
from ops.stop import Code, Stop
from stacks.model import Site

SCRIPT = Path(__file__).with_name("registry.sh")
NOTHING = "Nothing was deleted."


@dataclass(frozen=True)
class Tag:
    """One tag of an image."""

    image: str
    """NAME:TAG."""
    digest: str
    size: int
    """Bytes, of layers that other tags may share."""
    age: int
    """Seconds since it was pushed."""


def show(flags: Flags) -> Code:
    """Prints the tags, and how full the disk is. Raises Stop."""
    site, fleet, target = _registry(flags)
    tags, free = _list(fleet, target)
    own = _own(site)
    rows = [
        {
            "name": tag.image,
            "size": _gib(tag.size),
            "days": str(tag.age // 86400),
            "site": "yes" if tag.image in own else "-",
        }
        for tag in tags
    ]
    if flags.form is Output.NAME:
        typer.echo("\n".join(tag.image for tag in tags))
    elif flags.form is Output.TABLE:
        render.table(flags, ["IMAGE", "SIZE", "DAYS", "OF THE SITE"], [list(row.values()) for row in rows])
    else:
        render.data(flags, {"images": rows, "free": f"{free:.0%}"})
    flags.say(f"{free:.0%} of the disk of {site.registry.folder if site.registry else ''} are free.")
    return Code.YES


def clean(flags: Flags, patterns: Sequence[str], days: int) -> Code:
    """Shows the tags that the patterns name, asks, deletes them, and says how much space came free. Raises Stop."""
    site, fleet, target = _registry(flags)
    tags, _ = _list(fleet, target)
    chosen = [tag for tag in tags if any(fnmatchcase(tag.image, each) for each in patterns)]
    for pattern in patterns:
        if not any(fnmatchcase(tag.image, pattern) for tag in tags):
            raise Stop(Code.WRONG, [f"{pattern}: the registry has no such image. {NOTHING} Fix: sitectl registry list"])
    for tag in [tag for tag in chosen if tag.image in _own(site)]:
        fix = "To delete it, take it out of registry.images, then pulumi up"
        flags.say(f"stays: {tag.image}, which the site names. {fix}")
    old = [tag for tag in chosen if tag.image not in _own(site) and tag.age >= days * 86400]
    for tag in old:
        flags.say(f"goes: {tag.image}, {_gib(tag.size)}, pushed {tag.age // 86400} days ago")
    if not old:
        flags.say(f"No other image fits. {NOTHING}")
        return Code.YES
    if not agreed(flags, f"Delete {len(old)} images? The registry stops meanwhile", NOTHING):
        raise Stop(Code.NO, [NOTHING])
    before = _disk(fleet, target, "list")
    after = _disk(fleet, target, "clean", *(tag.image for tag in old))
    flags.say(f"Deleted. {max(0, after - before) / 2**20:.1f} GiB came free.")
    return Code.YES


def _registry(flags: Flags) -> tuple[Site, Fleet, Target]:
    site = sites.load(flags)
    if site.registry is None:
        raise Stop(Code.WRONG, ["The site has no registry. Fix: write registry into the site"])
    host = site.registry.host
    fleet, unasked = sites.reach(flags, {host: site.hosts[host]})
    if host not in fleet.targets:
        raise Stop(Code.NOT_ASKED, [str(check) for check in unasked])
    return site, fleet, fleet.targets[host]


def _own(site: Site) -> set[str]:
    return set(site.registry.images) if site.registry else set()


def _list(fleet: Fleet, target: Target) -> tuple[list[Tag], float]:
    """The tags, and which part of the disk is free."""
    *lines, disk = _ask(fleet, target, "list")
    fields = [line.split() for line in lines]
    _, free, total = disk.split()
    return [Tag(image, digest, int(size), int(age)) for image, digest, size, age in fields], int(free) / int(total)


def _disk(fleet: Fleet, target: Target, *words: str) -> int:
    """KiB that are free afterwards."""
    return int(_ask(fleet, target, *words)[-1].split()[1])


def _ask(fleet: Fleet, target: Target, *words: str) -> list[str]:
    command = shlex.join(["bash", "-s", "--", *words])

    async def ask(host: Target) -> Result:
        return await fleet.ask(host, command, stdin=SCRIPT.read_bytes(), deadline=600.0)

    done = asyncio.run(fleet.each(ask))[target.name]
    if isinstance(done, SshError):
        raise Stop(Code.NOT_ASKED, [str(done)])
    if done.status:
        said = (done.stderr.strip().splitlines() or ["bash failed"])[-1]
        raise Stop(Code.NO, [f"{target.name} [registry] {said}"])
    return done.stdout.splitlines()


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
