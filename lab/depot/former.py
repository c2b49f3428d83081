"""An earlier Kubernetes in the depot, for the story of an upgrade: its packages in their own repository, its images."""

from pathlib import Path

from lab.depot import apt, debs, images, on_demand
from lab.depot.folders import remade
from lab.depot.parts import Image
from lab.depot.process import Say
from lab.depot.service import SITE
from lab.depot.signing import make_key
from lab.hosts.command import run
from lab.hosts.inventory import GATEWAY, WEB_PORT, LabError
from lab.tools.catalogue import KUBERNETES_FORMER
from tools.cache import TOOLS
from versions import IMAGE_REPOSITORY

FOLDER = "apt-former"
URL = f"http://{GATEWAY}:{WEB_PORT}/{FOLDER}"
VERSION = KUBERNETES_FORMER.version
_LIST = ("config", "images", "list", "--kubernetes-version", VERSION)


def publish(say: Say = lambda _: None) -> None:
    """Puts them into the depot, which runs. Raises LabError when the programs are not built."""
    programs = TOOLS / KUBERNETES_FORMER.key
    if not programs.exists():
        raise LabError(f"depot [tools] missing: Kubernetes {VERSION}. Fix: python3 -m lab.tools.get former")
    make_key()
    if remade(SITE / FOLDER, f"{KUBERNETES_FORMER.key} {debs.key()}", lambda folder: _fill(folder, programs)):
        say(f"packages of Kubernetes {VERSION} signed")
    on_demand.push("former", KUBERNETES_FORMER.key, lambda: _images(programs), say)


def _images(programs: Path) -> dict[str, Image]:
    found = {}
    for name in (line.removeprefix(f"{IMAGE_REPOSITORY}/") for line in run(str(programs / "kubeadm"), *_LIST).split()):
        files, entrypoint = images.content(name)
        program = name.rpartition(":")[0].rpartition("/")[2]
        if program in KUBERNETES_FORMER.binaries:
            files = {**files, f"usr/local/bin/{program}": programs / program}
        found[name] = files, entrypoint
    return found


def _fill(folder: Path, programs: Path) -> None:
    own = [deb for deb in debs.debs() if deb.name == "kubernetes-cni"]
    debs.index([*debs.kubernetes(f"{VERSION}-1.1", programs), *own], folder)
    apt.signed(folder)
