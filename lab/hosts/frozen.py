"""Frozen hosts: disks with Docker, containerd or a cluster's node already on them, as layers that disks start from.

A layer is the upper folder of a host that was switched off, kept read-only under FROZEN/KEY, beside copies of what
cannot be on an overlay (disk.NOT_OVERLAY). A disk that starts from it mounts it between its own upper folder and the
base system, so nothing is installed again. A layer is whole or not there, and never changes: it is thrown away instead.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import paths
from lab.hosts.command import run
from lab.hosts.inventory import LabError

KEEP, BYTES = 24, 12 << 30
"""Most layers and most bytes that are kept; the least recently used layers go first."""
OF_A_RUN = "run-"
"""Prefix of the keys of layers that last as long as one run of the tests."""


def key_of(*made_of: object) -> str:
    """The name of a layer that is made of these things: equal for equal content."""
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]


def folder_of(key: str) -> Path:
    """The layer's folder, which exists once the layer is made."""
    return paths.FROZEN / key


def exists(key: str) -> bool:
    """Whether the layer exists; if so, marks it as used now."""
    about = folder_of(key) / "about.json"
    if about.exists():
        about.touch()
    return about.exists()


@contextmanager
def making(key: str) -> Iterator[bool]:
    """Whether the caller must make the layer; another process that wants the same one waits until this ends."""
    paths.FROZEN.mkdir(parents=True, exist_ok=True)
    with (paths.FROZEN / f".lock-{key}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not exists(key)


def owner(key: str) -> str:
    """The only host that may start from the layer, which has its name, keys and identity; empty when any host may."""
    return str(_about(key)["host"])


def base_of(key: str) -> str:
    """The name of the base system below the layer."""
    return str(_about(key)["base"])


def lowers(key: str) -> list[Path]:
    """The folders that a disk on this layer mounts above the base system, the topmost first."""
    found = [folder_of(key) / "upper"]
    below = _about(key)["below"]
    return found + (lowers(str(below)) if below else [])


def keep(key: str, disk: Path, *, host: str, base: str, below: str, apart: Sequence[str]) -> None:
    """Makes the layer from a host's disk, whose folders it moves. The host must be off.

    `host` is its owner, if it has one, `base` the base system's name, `below` the layer that the disk itself started
    from, or empty; `apart` are the disk's folders that are not on the overlay.
    """
    new = paths.FROZEN / f".new-{key}"
    shutil.rmtree(new, ignore_errors=True)  # a killed maker's
    new.mkdir(parents=True)
    for part in ("upper", *apart):
        (disk / part).rename(new / part)
    size = sum(int(line.split()[0]) for line in run("du", "-sk", str(new)).splitlines()) * 1024
    (new / "about.json").write_text(json.dumps({"host": host, "base": base, "below": below, "bytes": size}))
    shutil.rmtree(folder_of(key), ignore_errors=True)
    new.rename(folder_of(key))


def copy_apart(key: str, disk: Path, apart: Sequence[str]) -> None:
    """Gives a new disk its own copies of the folders that are not on the overlay."""
    for part in apart:
        run("cp", "-aT", "--reflink=auto", str(folder_of(key) / part), str(disk / part))


def clear(used: Sequence[str], *, of_a_run: bool = False) -> None:
    """Removes the layers beyond KEEP and BYTES, and with `of_a_run` all of a run's; never one that a disk uses."""
    if not paths.FROZEN.exists():
        return
    made = [path.parent for path in paths.FROZEN.glob("*/about.json")]
    made.sort(key=lambda folder: (folder / "about.json").stat().st_mtime, reverse=True)
    # A disk of a host that is off may outlive its layer: another checkout, with another list of hosts, cleared it.
    there = {folder.name for folder in made}
    needed = {each.parent.name for key in used if key in there for each in lowers(key)}
    number, size = 0, 0
    for folder in made:
        if of_a_run and folder.name.startswith(OF_A_RUN):
            fits = False
        else:
            number, size = number + 1, size + int(str(_about(folder.name)["bytes"]))
            fits = number <= KEEP and size <= BYTES
        if fits:
            needed |= {each.parent.name for each in lowers(folder.name)}
        elif folder.name not in needed:
            _remove(folder)


def _remove(folder: Path) -> None:
    """Removes about.json first: without it the layer does not count as existing."""
    (folder / "about.json").unlink()
    shutil.rmtree(folder)


def _about(key: str) -> dict[str, object]:
    try:
        return dict(json.loads((folder_of(key) / "about.json").read_text()))
    except FileNotFoundError:
        raise LabError(f"lab [frozen] there is no layer {key}. Fix: `lab.reset` the host without it.") from None
