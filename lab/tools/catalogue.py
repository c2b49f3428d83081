"""The tools that only the lab runs or packs: where to download each, else how to build it."""

from dataclasses import replace
from pathlib import Path

from tools.tool import Download, Tool

HERE = Path(__file__).parent

HELM = Tool(
    room=HERE,
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
    room=HERE,
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

KUBERNETES_FORMER = replace(KUBERNETES, name="kubernetes-former")
"""The minor version before, for the story of an upgrade (`make test-all`): neither in `BUILT`, nor in `bin`."""

_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")

CONTAINERD = Tool(
    room=HERE,
    name="containerd",
    module="github.com/containerd/containerd/v2",
    packages=tuple(f"github.com/containerd/containerd/v2/cmd/{name}" for name in _CONTAINERD),
    binaries=_CONTAINERD,
    variables=("github.com/containerd/containerd/v2/version.Version={version}",),
    tags=("no_btrfs",),
    minutes=3,
)
"""containerd 2, for the story of a change from 1.x (`make test-all`): neither in `BUILT`, nor in `bin`."""

KUBE_ROUTER = Tool(
    room=HERE,
    name="kube-router",
    module="github.com/cloudnativelabs/kube-router/v2",
    packages=("github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",),
    binaries=("kube-router",),
    variables=("github.com/cloudnativelabs/kube-router/v2/pkg/version.Version=v{version}",),
    minutes=5,
)
"""Enforces network policies, for their story (`make test-all`): neither in `BUILT`, nor in `bin`. The newest version
that there is as a module; sites get a newer image."""

DEVICE_PLUGIN = Tool(
    room=HERE,
    name="device-plugin",
    module="k8s.io/kubernetes",
    packages=(".",),
    binaries=("device-plugin",),
    minutes=3,
)
"""Our own program, on the kubelet's own code for device plugins."""

ETCD = Tool(
    room=HERE,
    name="etcd",
    module="go.etcd.io/etcd/server/v3",
    packages=("go.etcd.io/etcd/server/v3",),
    binaries=("etcd",),
    official=Download(
        "https://github.com/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-{os}-{arch}.tar.gz",
        "https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS",
    ),
)

ETCD_TOOLS = Tool(
    room=HERE,
    name="etcd-tools",
    module="go.etcd.io/etcd/etcdutl/v3",
    packages=("go.etcd.io/etcd/etcdctl/v3", "go.etcd.io/etcd/etcdutl/v3"),
    binaries=("etcdctl", "etcdutl"),
    official=ETCD.official,
)
"""What backups of a cluster are made with. They are not in the image of etcd, as Kubernetes' has no etcdutl either."""

COREDNS = Tool(
    room=HERE,
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
    room=HERE,
    name="ferretdb",
    module="github.com/FerretDB/FerretDB",
    packages=(".",),
    binaries=("ferretdb",),
    minutes=3,
)

METALLB = Tool(
    room=HERE,
    name="metallb",
    module="go.universe.tf/metallb",
    packages=("go.universe.tf/metallb/controller", "go.universe.tf/metallb/speaker"),
    binaries=("controller", "speaker"),
    minutes=4,
)
"""Load balancer for services. Its chart lies in the module too (lab/parts/load_balancer)."""

PROMETHEUS_OPERATOR = Tool(
    room=HERE,
    name="prometheus-operator",
    module="github.com/prometheus-operator/prometheus-operator",
    packages=tuple(
        f"github.com/prometheus-operator/prometheus-operator/cmd/{name}"
        for name in ("operator", "prometheus-config-reloader")
    ),
    binaries=("operator", "prometheus-config-reloader"),
    variables=("github.com/prometheus/common/version.Version={version}",),
    minutes=4,
)
"""Its CRDs lie in the module too (lab/parts/monitoring)."""

PROMETHEUS = Tool(
    room=HERE,
    name="prometheus",
    module="github.com/prometheus/prometheus",
    packages=("github.com/prometheus/prometheus/cmd/prometheus",),
    binaries=("prometheus",),
    # Its versions begin with 3, those of its module with 0.3.
    variables=("github.com/prometheus/common/version.Version=3.14.0",),
    tags=("remove_all_sd", "enable_kubernetes_sd"),
    minutes=4,
)
"""Debian's cannot find its targets by Kubernetes."""

LOCAL_PATH = Tool(
    room=HERE,
    name="local-path-provisioner",
    module="github.com/rancher/local-path-provisioner",
    packages=("github.com/rancher/local-path-provisioner",),
    binaries=("local-path-provisioner",),
    minutes=2,
)

VICTORIA_LOGS = Tool(
    room=HERE,
    name="victoria-logs",
    module="github.com/VictoriaMetrics/VictoriaLogs",
    packages=tuple(f"github.com/VictoriaMetrics/VictoriaLogs/app/{name}" for name in ("victoria-logs", "vlagent")),
    binaries=("victoria-logs", "vlagent"),
    minutes=2,
)
"""Store and agent of the part `logs`, for one long test: neither in `BUILT`, nor in `bin`."""

BUILT = (KUBERNETES, ETCD, COREDNS, HELM)
"""What any site of the lab needs."""

OF_PARTS = (DEVICE_PLUGIN, ETCD_TOOLS, FERRETDB, METALLB, PROMETHEUS_OPERATOR, PROMETHEUS, LOCAL_PATH)
"""What only sites with certain parts need, and their tests."""
