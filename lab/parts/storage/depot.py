"""NFS in a lab whose kernel has none, and local-path-provisioner as its Go module has it.

Debian's NFS-Ganesha serves, and a package nfs-common mounts by a client of ours: it is newer than Debian's, so that a
host that has the lab's package source gets it.
"""

import hashlib
import subprocess
from pathlib import Path

from components.parts.storage import versions
from lab.depot import rootfs
from lab.depot.deb import Deb
from lab.depot.folders import remade
from lab.depot.parts import Image, Supply
from lab.hosts.command import run
from lab.hosts.inventory import GATEWAY, WEB_PORT, LabError
from lab.paths import CACHE, TOOLS_BIN
from lab.tools.catalogue import KUBERNETES, LOCAL_PATH
from lab.tools.debian import unpacked
from tools.cache import whole
from tools.gobuild import module_folder

CLIENT = Path(__file__).with_name("mount-nfs.c")
DRIVER = Path(__file__).with_name("csi-nfs.sh")
VERSION = "1:99-1"
CHARTS = f"http://{GATEWAY}:{WEB_PORT}/local-path"
"""The repository of the chart local-path-provisioner, in the module's version."""
_LIBRARIES = ("libnfs-dev/usr/lib/{arch}/libnfs.a", "libfuse3-dev/usr/lib/{arch}/libfuse3.a")
_INCLUDES = ("libnfs-dev/usr/include", "libfuse3-dev/usr/include", "libfuse3-dev/usr/include/fuse3")


def packages() -> list[Deb]:
    """nfs-common with mount.nfs and nothing else."""
    program = whole(f"mount-nfs-{_digest()}", _compile, CACHE / "storage") / "mount.nfs"
    return [
        Deb(
            "nfs-common",
            VERSION,
            "NFS version 3 by a FUSE client, for kernels without NFS",
            {"sbin/mount.nfs": (program, 0o755)},
        )
    ]


def sources() -> list[Path]:
    """What the package is made of."""
    return [Path(__file__), CLIENT, DRIVER]


def _digest() -> str:
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources())).hexdigest()[:12]


def _compile(folder: Path) -> None:
    """Raises LabError when gcc refuses it."""
    arch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
    top = unpacked("libnfs-dev").parent
    argv = ["gcc", "-O2", "-Wall", "-Wextra", "-D_FILE_OFFSET_BITS=64", "-D_GNU_SOURCE"]
    argv += [f"-I{top / path}" for path in _INCLUDES]
    argv += ["-o", str(folder / "mount.nfs"), str(CLIENT)]
    argv += [str(top / path.format(arch=arch)) for path in _LIBRARIES]
    done = subprocess.run([*argv, "-lpthread", "-ldl"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"depot [mount.nfs] gcc refuses it: {done.stderr.strip()[-500:]}")


def images() -> dict[str, Image]:
    """local-path-provisioner and the program of its helper pods; the stand-in of csi-driver-nfs."""
    program: dict[str, Path | str] = {
        "usr/bin/local-path-provisioner": (TOOLS_BIN / "local-path-provisioner").resolve()
    }
    busybox = {path.replace("bin/", "usr/bin/", 1): file for path, file in rootfs.busybox().items()}
    driver = {**busybox, "bin": "usr/bin", "usr/bin/kubectl": (TOOLS_BIN / "kubectl").resolve(), "csi-nfs.sh": DRIVER}
    return {
        f"sig-storage/nfsplugin:v{versions.CSI_NFS}": (driver, ["/bin/sh", "/csi-nfs.sh"]),
        f"rancher/local-path-provisioner:v{LOCAL_PATH.version}": (program, []),
        f"library/busybox:{versions.HELPER_TAG}": (rootfs.busybox(), []),
    }


def publish(site: Path) -> bool:
    """Makes site/local-path a chart repository with the module's own chart; False when it is that already."""
    return remade(site / "local-path", LOCAL_PATH.key, _package)


def _package(folder: Path) -> None:
    helm, chart = str(TOOLS_BIN / "helm"), module_folder(LOCAL_PATH) / "deploy/chart/local-path-provisioner"
    run(helm, "package", str(chart), "--destination", str(folder))
    run(helm, "repo", "index", str(folder))


SUPPLY = Supply(
    publish,
    "the chart of local-path-provisioner published",
    debs=packages,
    images=images,
    sources=sources,
    keys=(LOCAL_PATH.key, KUBERNETES.key),
)
