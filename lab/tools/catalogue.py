"""The tools that no package registry ships as a program: where to download each, else how to build it."""

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Download:
    """An official release; an archive when the URL ends in .tgz or .tar.gz, else one file for each binary."""

    url: str
    checksums: str


@dataclass(frozen=True)
class Tool:
    """One Go module and the programs taken from it. Its folder here holds go.mod, go.sum and any program of our own."""

    name: str
    module: str
    packages: tuple[str, ...]
    binaries: tuple[str, ...]
    official: Download | None = None
    companions: tuple[str, ...] = ()
    """Programs that official releases have beside the binaries."""
    variables: tuple[str, ...] = ()
    """What the linker sets, as the official builds do: without a version kubeadm and Pulumi refuse to work."""
    shims: tuple[str, ...] = ()
    """Scripts taken from the module's own folder."""
    version_argument: str = ""
    """Asks a program on PATH for its version; empty: always our own, because it goes into packages and images."""
    minutes: int = 1
    """How long a build from nothing takes on two cores."""

    @property
    def folder(self) -> Path:
        """Where go.mod is."""
        return HERE / self.name

    @property
    def version(self) -> str:
        """The one in go.mod: there and nowhere else."""
        required = rf"^(?:require)?\s*{re.escape(self.module)} v(\S+)"
        found = re.search(required, (self.folder / "go.mod").read_text(), re.M)
        if not found:
            raise LookupError(f"{self.folder}/go.mod does not require {self.module}")
        return found[1]

    @property
    def key(self) -> str:
        """Names the tool's folder in the cache; changes with anything that changes the programs."""
        built = (self.packages, self.linker_flags(), self.shims, platform.machine(), sys.platform)
        content = hashlib.sha256(repr(built).encode())
        for file in (self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.glob("*.go"))):
            content.update(file.read_bytes())
        return f"{self.name}-{self.version}-{content.hexdigest()[:8]}"

    def linker_flags(self) -> str:
        """For `go build -ldflags`."""
        major, minor, _ = self.version.split(".", 2)
        values = [value.format(version=self.version, major=major, minor=minor) for value in self.variables]
        return " ".join(["-s", "-w", *(f"-X {value}" for value in values)])


PULUMI = Tool(
    name="pulumi",
    module="github.com/pulumi/pulumi/pkg/v3",
    packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    binaries=("pulumi",),
    companions=(
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-analyzer-policy-python",
        "pulumi-resource-pulumi-python",
    ),
    official=Download(
        "https://get.pulumi.com/releases/sdk/pulumi-v{version}-{os}-{cpu}.tar.gz",
        "https://github.com/pulumi/pulumi/releases/download/v{version}/pulumi-{version}-checksums.txt",
    ),
    variables=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",),
    version_argument="version",
    minutes=3,
)

LANGUAGE_PYTHON = Tool(
    name="language-python",
    module="github.com/pulumi/pulumi/sdk/v3",
    packages=("github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",),
    binaries=("pulumi-language-python",),
    variables=("github.com/pulumi/pulumi/sdk/v3/python/version.Version=v{version}",),
    shims=(
        "python/cmd/pulumi-language-python-exec",
        "python/dist/pulumi-analyzer-policy-python",
        "python/dist/pulumi-resource-pulumi-python",
    ),
)

HELM = Tool(
    name="helm",
    module="helm.sh/helm/v3",
    packages=("helm.sh/helm/v3/cmd/helm",),
    binaries=("helm",),
    official=Download(
        "https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz",
        "https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz.sha256sum",
    ),
    variables=("helm.sh/helm/v3/internal/version.version=v{version}",),
    version_argument="version",
    minutes=2,
)

_KUBERNETES = (
    "kubeadm",
    "kubelet",
    "kubectl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
)

KUBERNETES = Tool(
    name="kubernetes",
    module="k8s.io/kubernetes",
    packages=tuple(f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES),
    binaries=_KUBERNETES,
    official=Download(
        "https://dl.k8s.io/release/v{version}/bin/{os}/{arch}/{binary}",
        "https://dl.k8s.io/release/v{version}/bin/{os}/{arch}/{binary}.sha256",
    ),
    variables=(
        "k8s.io/component-base/version.gitVersion=v{version}",
        "k8s.io/component-base/version.gitMajor={major}",
        "k8s.io/component-base/version.gitMinor={minor}",
        "k8s.io/component-base/version.gitTreeState=clean",
    ),
    minutes=12,
)

ETCD = Tool(
    name="etcd",
    module="go.etcd.io/etcd/server/v3",
    packages=("go.etcd.io/etcd/server/v3",),
    binaries=("etcd",),
    official=Download(
        "https://github.com/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-{os}-{arch}.tar.gz",
        "https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS",
    ),
)

COREDNS = Tool(
    name="coredns",
    module="github.com/coredns/coredns",
    packages=("github.com/coredns/coredns",),
    binaries=("coredns",),
    official=Download(
        "https://github.com/coredns/coredns/releases/download/v{version}/coredns_{version}_{os}_{arch}.tgz",
        "https://github.com/coredns/coredns/releases/download/v{version}/coredns_{version}_{os}_{arch}.tgz.sha256",
    ),
    minutes=4,
)

FERRETDB = Tool(
    name="ferretdb",
    module="github.com/FerretDB/FerretDB",
    packages=(".",),
    binaries=("ferretdb",),
    minutes=3,
)
