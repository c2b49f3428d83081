"""The lab's Debian packages: Kubernetes, named, divided and laid out as upstream's; NVIDIA's; those of parts."""

import hashlib
import os
from pathlib import Path

from lab.depot import deb as builder
from lab.depot import nvidia, parts
from lab.depot.deb import Deb
from lab.hosts.command import run
from lab.paths import CACHE, TOOLS_BIN
from lab.tools.catalogue import KUBERNETES
from lab.tools.debian import unpacked
from tools.cache import whole

HERE = Path(__file__).parent / "packages"
VERSION = f"{KUBERNETES.version}-1.1"
CNI_VERSION = "1.1.1-1.1"
"""Of Debian 12's containernetworking-plugins, whose programs it holds; upstream's is newer."""


def key() -> str:
    """Changes with everything that changes a package."""
    content = hashlib.sha256(
        f"{KUBERNETES.key} {parts.key(lambda supply: supply.debs())} {os.uname().release}".encode()
    )
    own = (Path(__file__), Path(builder.__file__), *sorted(HERE.glob("*.*")))
    for source in (*own, *nvidia.sources()):
        content.update(source.read_bytes())
    return content.hexdigest()[:16]


def repository() -> Path:
    """The cached folder of packages with their index, not signed. Raises LabError."""
    return whole(f"apt-{key()}", _fill, CACHE / "depot")


def debs() -> list[Deb]:
    """The packages that `apt-get install kubeadm kubelet kubectl` needs beyond Debian's own."""
    plugins = unpacked("containernetworking-plugins") / "usr" / "lib" / "cni"
    return [
        *kubernetes(VERSION, TOOLS_BIN),
        Deb(
            "kubernetes-cni",
            CNI_VERSION,
            "Binaries required to provision kubernetes container networking",
            {f"opt/cni/bin/{plugin.name}": (plugin, 0o755) for plugin in sorted(plugins.iterdir())},
            folders=("etc/cni/net.d",),
        ),
    ]


def kubernetes(version: str, programs: Path) -> list[Deb]:
    """The three packages of one version, with the programs in that folder."""
    return [
        Deb(
            "kubeadm",
            version,
            "Command-line utility for administering a Kubernetes cluster",
            {
                "usr/bin/kubeadm": (programs / "kubeadm", 0o755),
                "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": (HERE / "10-kubeadm.conf", 0o644),
            },
        ),
        Deb(
            "kubectl",
            version,
            "Command-line utility for interacting with a Kubernetes cluster",
            {"usr/bin/kubectl": (programs / "kubectl", 0o755)},
        ),
        Deb(
            "kubelet",
            version,
            "Node agent for Kubernetes clusters",
            {
                "usr/bin/kubelet": (programs / "kubelet", 0o755),
                "usr/lib/systemd/system/kubelet.service": (HERE / "kubelet.service", 0o644),
                "etc/default/kubelet": (HERE / "kubelet.env", 0o644),
            },
            depends="conntrack, ethtool, iproute2, iptables (>= 1.4.21), kubernetes-cni, mount, socat, util-linux",
            scripts={name: HERE / f"kubelet.{name}" for name in ("postinst", "prerm", "postrm")},
            configuration=("/etc/default/kubelet",),
            folders=("var/lib/kubelet", "etc/kubernetes/manifests"),
        ),
    ]


def index(packages: list[Deb], folder: Path) -> None:
    """Builds them into the folder, with their index, not signed."""
    entries = []
    for deb in packages:
        file = builder.build(deb, folder)
        control = run("dpkg-deb", "--field", str(file)).strip()
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        entries.append(f"{control}\nFilename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {digest}\n")
    (folder / "Packages").write_text("\n".join(entries))


def _fill(folder: Path) -> None:
    of_parts = [deb for supply in parts.supplies() for deb in supply.debs()]
    index([*debs(), *nvidia.packages(), *of_parts], folder)
