"""Kubernetes as Debian packages, named, divided and laid out as upstream's."""

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from lab.hosts.command import run
from lab.paths import CACHE, TOOLS_BIN
from lab.tools.cache import whole
from lab.tools.catalogue import KUBERNETES
from lab.tools.debian import unpacked

HERE = Path(__file__).parent / "packages"
VERSION = f"{KUBERNETES.version}-1.1"
CNI_VERSION = "1.1.1-1.1"
"""Of Debian 12's containernetworking-plugins, whose programs it holds; upstream's is newer."""


@dataclass(frozen=True)
class Deb:
    """A package to build: path → (file, mode)."""

    name: str
    version: str
    summary: str
    files: dict[str, tuple[Path, int]]
    depends: str = ""
    scripts: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()
    folders: tuple[str, ...] = field(default=())


def key() -> str:
    """Changes with everything that changes a package."""
    content = hashlib.sha256(KUBERNETES.key.encode())
    for source in (Path(__file__), *sorted(HERE.iterdir())):
        content.update(source.read_bytes())
    return content.hexdigest()[:16]


def repository() -> Path:
    """The cached folder of packages with their index, not signed. Raises LabError."""
    return whole(f"apt-{key()}", _fill, CACHE / "depot")


def debs() -> list[Deb]:
    """The packages that `apt-get install kubeadm kubelet kubectl` needs beyond Debian's own."""
    plugins = unpacked("containernetworking-plugins") / "usr" / "lib" / "cni"
    return [
        Deb(
            "kubeadm",
            VERSION,
            "Command-line utility for administering a Kubernetes cluster",
            {
                "usr/bin/kubeadm": (TOOLS_BIN / "kubeadm", 0o755),
                "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf": (HERE / "10-kubeadm.conf", 0o644),
            },
        ),
        Deb(
            "kubectl",
            VERSION,
            "Command-line utility for interacting with a Kubernetes cluster",
            {"usr/bin/kubectl": (TOOLS_BIN / "kubectl", 0o755)},
        ),
        _kubelet(),
        Deb(
            "kubernetes-cni",
            CNI_VERSION,
            "Binaries required to provision kubernetes container networking",
            {f"opt/cni/bin/{plugin.name}": (plugin, 0o755) for plugin in sorted(plugins.iterdir())},
            folders=("etc/cni/net.d",),
        ),
    ]


def _kubelet() -> Deb:
    return Deb(
        "kubelet",
        VERSION,
        "Node agent for Kubernetes clusters",
        {
            "usr/bin/kubelet": (TOOLS_BIN / "kubelet", 0o755),
            "usr/lib/systemd/system/kubelet.service": (HERE / "kubelet.service", 0o644),
            "etc/default/kubelet": (HERE / "kubelet.env", 0o644),
        },
        depends="conntrack, ethtool, iproute2, iptables (>= 1.4.21), kubernetes-cni, mount, socat, util-linux",
        scripts=("postinst", "prerm", "postrm"),
        configuration=("/etc/default/kubelet",),
        folders=("var/lib/kubelet", "etc/kubernetes/manifests"),
    )


def _fill(folder: Path) -> None:
    entries = []
    for deb in debs():
        file = _build(deb, folder)
        control = run("dpkg-deb", "--field", str(file)).strip()
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        entries.append(f"{control}\nFilename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {digest}\n")
    (folder / "Packages").write_text("\n".join(entries))


def _build(deb: Deb, folder: Path) -> Path:
    arch = run("dpkg", "--print-architecture").strip()
    tree = folder / f".{deb.name}"
    for path, (source, mode) in deb.files.items():
        _place(source, tree / path, mode)
    for path in deb.folders:
        (tree / path).mkdir(parents=True)
    control = tree / "DEBIAN"
    control.mkdir()
    fields = {
        "Package": deb.name,
        "Version": deb.version,
        "Architecture": arch,
        "Maintainer": "gpu-metal lab <lab@gpu-metal.invalid>",
        "Depends": deb.depends,
        "Section": "net",
        "Priority": "optional",
        "Homepage": "https://kubernetes.io",
        "Description": f"{deb.summary}\n Built by the gpu-metal lab.",
    }
    text = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    (control / "control").write_text(text)
    if deb.configuration:
        (control / "conffiles").write_text("".join(f"{path}\n" for path in deb.configuration))
    for script in deb.scripts:
        _place(HERE / f"{deb.name}.{script}", control / script, 0o755)
    for inner in (tree, *tree.rglob("*")):
        if inner.is_dir():
            inner.chmod(0o755)  # whatever the umask is: these are the modes on the host
    file = folder / f"{deb.name}_{deb.version}_{arch}.deb"
    # The same content gives the same package; light compression, because it is unpacked more often than sent.
    env = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", str(tree), str(file), env=env)
    shutil.rmtree(tree)
    return file


def _place(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)
