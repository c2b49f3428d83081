"""An earlier Kubernetes in the depot, for the story of an upgrade: its packages in their own repository, its images."""

import gzip
import tempfile
from pathlib import Path

from lab.depot import debs, images, oci
from lab.depot.folders import remade
from lab.depot.process import Say
from lab.depot.service import DATA, REGISTRY_PORT, SITE
from lab.depot.signing import architecture, make_key, sign
from lab.hosts.command import run
from lab.hosts.inventory import GATEWAY, WEB_PORT, LabError
from lab.paths import SIGNING_KEY
from lab.tools.catalogue import KUBERNETES_FORMER
from tools.cache import TOOLS
from versions import IMAGE_REPOSITORY

FOLDER = "apt-former"
URL = f"http://{GATEWAY}:{WEB_PORT}/{FOLDER}"
VERSION = KUBERNETES_FORMER.version
_LIST = ("config", "images", "list", "--kubernetes-version")


def publish(say: Say = lambda _: None) -> None:
    """Puts them into the depot, which runs. Raises LabError when the programs are not built."""
    programs = TOOLS / KUBERNETES_FORMER.key
    if not programs.exists():
        raise LabError(f"depot [tools] missing: Kubernetes {VERSION}. Fix: python3 -m lab.tools.get former")
    make_key()
    if remade(SITE / FOLDER, f"{KUBERNETES_FORMER.key} {debs.key()}", lambda folder: _fill(folder, programs)):
        say(f"packages of Kubernetes {VERSION} signed")
    pushed = DATA / ".pushed-former"
    if not pushed.exists() or pushed.read_text() != KUBERNETES_FORMER.key:
        _push(programs, say)
        pushed.write_text(KUBERNETES_FORMER.key)


def _push(programs: Path, say: Say) -> None:
    arch, listed = architecture(), run(str(programs / "kubeadm"), *_LIST, VERSION).split()
    with tempfile.TemporaryDirectory() as folder:
        for name in (line.removeprefix(f"{IMAGE_REPOSITORY}/") for line in listed):
            path, _, tag = name.rpartition(":")
            files, entrypoint = images.content(name)
            program = path.rpartition("/")[2]
            if program in KUBERNETES_FORMER.binaries:
                files = {**files, f"usr/local/bin/{program}": programs / program}
            layout = Path(folder) / program
            oci.layout(layout, tag, files, entrypoint, arch)
            images.copy(f"oci:{layout}:{tag}", f"{GATEWAY}:{REGISTRY_PORT}/{name}")
            say(f"image {name}")


def _fill(folder: Path, programs: Path) -> None:
    own = [deb for deb in debs.debs() if deb.name == "kubernetes-cni"]
    debs.index([*debs.kubernetes(f"{VERSION}-1.1", programs), *own], folder)
    (folder / "Packages.gz").write_bytes(gzip.compress((folder / "Packages").read_bytes(), mtime=0))
    (folder / "key.asc").symlink_to(SIGNING_KEY)
    sign(folder, {"Origin": "gpu-metal lab", "Label": "gpu-metal lab", "Suite": "./"}, ("Packages", "Packages.gz"))
