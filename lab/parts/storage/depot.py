"""NFS in a lab whose kernel has none: Debian's NFS-Ganesha serves, and a package nfs-common mounts by a client of ours.

It is newer than Debian's nfs-common, so that a host that has the lab's package source gets it.
"""

import hashlib
import subprocess
from pathlib import Path

from lab.depot.deb import Deb
from lab.depot.parts import Supply
from lab.hosts.inventory import LabError
from lab.paths import CACHE
from lab.tools.debian import unpacked
from tools.cache import whole

CLIENT = Path(__file__).with_name("mount-nfs.c")
VERSION = "1:99-1"
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
    return [Path(__file__), CLIENT]


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


SUPPLY = Supply(debs=packages, sources=sources)
