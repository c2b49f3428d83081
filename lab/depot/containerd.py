"""containerd 2 in the depot, for the story of its upgrade: a package in its own repository, named as Debian's."""

from pathlib import Path

from lab.depot import apt, debs
from lab.depot.deb import Deb
from lab.depot.folders import remade
from lab.depot.process import Say
from lab.depot.service import SITE
from lab.depot.signing import make_key
from lab.hosts.inventory import GATEWAY, WEB_PORT, LabError
from lab.tools.catalogue import CONTAINERD
from tools.cache import TOOLS

FOLDER = "apt-containerd"
URL = f"http://{GATEWAY}:{WEB_PORT}/{FOLDER}"
VERSION = f"{CONTAINERD.version}-1"
HERE = Path(__file__).parent / "packages" / "containerd"


def publish(say: Say = lambda _: None) -> None:
    """Puts it into the depot, which runs. Raises LabError when the programs are not built."""
    programs = TOOLS / CONTAINERD.key
    if not programs.exists():
        raise LabError(f"depot [tools] missing: containerd {VERSION}. Fix: python3 -m lab.tools.get containerd")
    make_key()
    if remade(SITE / FOLDER, f"{CONTAINERD.key} {debs.key()}", lambda folder: _fill(folder, programs)):
        say(f"package of containerd {VERSION} signed")


def _fill(folder: Path, programs: Path) -> None:
    debs.index([_package(programs)], folder)
    apt.signed(folder)


def _package(programs: Path) -> Deb:
    return Deb(
        "containerd",
        VERSION,
        "Daemon to control runC",
        {
            **{f"usr/bin/{name}": (programs / name, 0o755) for name in CONTAINERD.binaries},
            "lib/systemd/system/containerd.service": (HERE / "containerd.service", 0o644),
        },
        depends="runc",
        scripts={"postinst": HERE / "containerd.postinst"},
    )
