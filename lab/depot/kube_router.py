"""kube-router in the depot, for the story of network policies: its image, with the programs that it calls."""

from lab.depot import images, on_demand, rootfs
from lab.depot.process import Say
from lab.hosts.inventory import LabError
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
    files = {**images.proxy_files(), **rootfs.of(IPSET, lambda name: beside / name)}
    image = {**files, "usr/local/bin/kube-router": program}, ["/usr/local/bin/kube-router"]
    on_demand.push("kube-router", KUBE_ROUTER.key, lambda: {PATH: image}, say)
