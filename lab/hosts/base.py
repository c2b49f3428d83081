"""The bare Debian systems that hosts share as the lower layer of their disks: each built once per recipe."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab import paths
from lab.hosts import machine
from lab.hosts.command import run

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "iproute2",
    "kmod",
    "procps",
    "ca-certificates",
    "pciutils",
)
RECIPE = Path(__file__).with_name("base.sh")


def folder_of(release: str) -> Path:
    """The folder of this release's base system by its recipe; it exists once the system is built."""
    recipe = repr((release, PACKAGES, RECIPE.read_text()))
    return paths.CACHE / "base" / hashlib.sha256(recipe.encode()).hexdigest()[:12]


def system(release: str, say: Callable[[str], None]) -> Path:
    """The folder of the base system, which is built (in a few minutes) when it is missing."""
    folder = folder_of(release)
    if not folder.exists():
        say(f"lab: building the hosts' base system ({release}), once per machine (1–4 minutes)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        _clear_unfinished(folder.parent)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
        building.chmod(0o755)
        _build(building, release)
        building.rename(folder)
    return folder


def _clear_unfinished(folder: Path) -> None:
    for left in folder.glob(".building-*"):
        for mount in reversed(_mounts_below(left)):
            run("umount", mount)
        shutil.rmtree(left)


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [mount for mount in (line.split()[1] for line in lines) if mount.startswith(f"{folder}/")]


def _build(root: Path, release: str) -> None:
    run(
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        f"--keyring={KEYRING}",
        release,
        str(root),
        machine.sources().main,
    )
    run("chroot", str(root), "/bin/bash", "-s", stdin=RECIPE.read_text(), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
