"""HAProxy's ingress in the lab: Debian's haproxy, and a script in place of the controller, which cannot be had here."""

from pathlib import Path

from lab.depot import rootfs
from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import KUBERNETES

HERE = Path(__file__).parent
VERSION = "3.2.12"
"""Of the controller in chart 1.52.1."""
_PACKAGES = (
    *("haproxy", "libc6", "libcap2", "libcrypt1", "libgcc-s1", "libgcrypt20", "libgpg-error0", "liblua5.3-0"),
    *("liblz4-1", "liblzma5", "libopentracing-c-wrapper0", "libopentracing1", "libpcre2-8-0", "libssl3"),
    *("libstdc++6", "libsystemd0", "libzstd1"),
)


def images() -> dict[str, Image]:
    """haproxy with its libraries, kubectl to see the cluster, busybox for the script."""
    busybox = {path.replace("bin/", "usr/bin/", 1): file for path, file in rootfs.busybox().items()}
    files = {**busybox, **rootfs.of(_PACKAGES)}
    files |= {"usr/bin/kubectl": (TOOLS_BIN / "kubectl").resolve(), "controller.sh": HERE / "controller.sh"}
    return {f"haproxytech/kubernetes-ingress:{VERSION}": (files, ["/bin/sh", "/controller.sh"])}


SUPPLY = Supply(images=images, sources=lambda: [Path(__file__), HERE / "controller.sh"], keys=(KUBERNETES.key,))
