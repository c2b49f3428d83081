"""kube-router in the depot, for the story of network policies: its image, with the programs that it calls."""

import tempfile
from pathlib import Path

from lab.depot import images, oci, rootfs
from lab.depot.process import Say
from lab.depot.service import DATA, REGISTRY_PORT
from lab.depot.signing import architecture
from lab.hosts.inventory import GATEWAY, LabError
from lab.tools.catalogue import KUBE_ROUTER
from lab.tools.debian import key_beside
from lab.tools.get import IPSET
from tools.cache import TOOLS

PATH = f"kube-router:v{KUBE_ROUTER.version}"
IMAGE = f"registry.k8s.io/{PATH}"
"""By the registry of which the lab's site has a mirror."""


def publish(say: Say = lambda _: None) -> None:
    """Puts it into the registry, which runs. Raises LabError when the programs are not there."""
    program, beside = TOOLS / KUBE_ROUTER.key / "kube-router", TOOLS / key_beside(*IPSET)
    if not program.exists() or not beside.exists():
        raise LabError(f"depot [tools] missing: {PATH}. Fix: python3 -m lab.tools.get policies")
    pushed = DATA / ".pushed-kube-router"
    if pushed.exists() and pushed.read_text() == KUBE_ROUTER.key:
        return
    files = {**images.proxy_files(), **rootfs.of(IPSET, lambda name: beside / name)}
    with tempfile.TemporaryDirectory() as folder:
        layout, tag = Path(folder) / "kube-router", PATH.rpartition(":")[2]
        named = {**files, "usr/local/bin/kube-router": program}
        oci.layout(layout, tag, named, ["/usr/local/bin/kube-router"], architecture())
        images.copy(f"oci:{layout}:{tag}", f"{GATEWAY}:{REGISTRY_PORT}/{PATH}")
    pushed.write_text(KUBE_ROUTER.key)
    say(f"image {PATH}")
