"""The images that kubeadm asks for, one for smoke tests, and those of parts: made here and put into the registry."""

import hashlib
import tempfile
import time
from pathlib import Path

from lab.depot import oci, parts, rootfs
from lab.depot.process import Say
from lab.hosts.command import run
from lab.hosts.inventory import LabError
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import COREDNS, ETCD, KUBERNETES
from tools.cache import took
from versions import IMAGE_REPOSITORY, PAUSE_IMAGE

BUSYBOX = "busybox:1.36"
"""The tag that charts usually name; the program is Debian's."""

_PROXY = (
    "libc6",
    "libmnl0",
    "libnftnl11",
    "libxtables12",
    "libip4tc2",
    "libip6tc2",
    "libnfnetlink0",
    "libnetfilter-conntrack3",
    "iptables",
    "conntrack",
)
"""What kube-proxy calls, with its libraries."""


def key() -> str:
    """Changes with everything that changes an image."""
    of_parts = parts.key(lambda supply: supply.images())
    content = hashlib.sha256(" ".join((KUBERNETES.key, ETCD.key, COREDNS.key, PAUSE_IMAGE, BUSYBOX, of_parts)).encode())
    for source in (__file__, oci.__file__, rootfs.__file__):
        content.update(Path(source).read_bytes())
    return content.hexdigest()


def names() -> list[str]:
    """Image names without the registry: those of kubeadm, BUSYBOX, and those of parts."""
    listed = run(str(TOOLS_BIN / "kubeadm"), "config", "images", "list", "--kubernetes-version", KUBERNETES.version)
    return [line.removeprefix(f"{IMAGE_REPOSITORY}/") for line in listed.split()] + [BUSYBOX, *parts.images()]


def push(registry: str, say: Say) -> None:
    """Makes every image and puts it into the registry. Raises LabError."""
    arch = run("dpkg", "--print-architecture").strip()
    with tempfile.TemporaryDirectory() as folder:
        for name in names():
            since = time.monotonic()
            layout = Path(folder) / name.replace("/", "_").replace(":", "_")
            tag = name.rpartition(":")[2]
            files, entrypoint = content(name)
            oci.layout(layout, tag, files, entrypoint, arch)
            copy(f"oci:{layout}:{tag}", f"{registry}/{name}")
            say(f"image {name} ({took(since)})")


def content(name: str) -> parts.Image:
    """An image's files and entry point. Raises LabError for a name that nothing here can make."""
    if image := parts.images().get(name):
        return image
    program = name.rpartition(":")[0].rpartition("/")[2]
    binary = TOOLS_BIN / program
    if program == "pause":
        return {"pause": binary.resolve()}, ["/pause"]
    if program == "coredns":
        return {"coredns": binary.resolve()}, ["/coredns"]
    if program == "busybox":
        return rootfs.busybox(), []
    if program not in (*KUBERNETES.binaries, "etcd"):
        raise LabError(f"depot [images] kubeadm names {name}, and the lab has no recipe for it")
    files: dict[str, Path | str] = {f"usr/local/bin/{program}": binary.resolve()}
    if program == "kube-proxy":
        files.update(proxy_files())
    return files, [f"/usr/local/bin/{program}"]


def proxy_files() -> dict[str, Path | str]:
    """What kube-proxy calls, under the names by which it calls it."""
    files = rootfs.of(_PROXY)
    for command in ("iptables", "ip6tables"):  # Debian's alternatives make these at installation
        for suffix in ("", "-save", "-restore"):
            files[f"usr/sbin/{command}{suffix}"] = "xtables-nft-multi"
    return files


def copy(source: str, target: str) -> None:
    """Copies an image into the registry."""
    # The policy is about images that come from elsewhere; a machine without skopeo's defaults has no such file.
    run("skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false", source, f"docker://{target}")
