"""Kubernetes of a host as steps: packages, the host as a member, the node as the cluster sees it. Pure."""

import json
from collections.abc import Sequence
from pathlib import Path

from components.engine.config import Containerd
from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.kubernetes import kubeadm
from components.kubernetes.config import Kubernetes
from components.network.config import Network

_STEPS = Path(__file__).with_name("steps")
_FOLDERS = (
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/cni",
    "/etc/kubernetes",
    "/var/log/pods",
    "/var/log/containers",
)
_WORKER_LABEL = "node-role.kubernetes.io/worker"


def node(
    host: Host,
    control_planes: Sequence[Host],
    *,
    cluster: str,
    kubernetes: Kubernetes,
    network: Network,
    engine: Containerd,
    pod_network: Sequence[Step] = (),
) -> list[Step]:
    """The layer `node` of any host: afterwards it is a member of `cluster`.

    The first of `control_planes` begins the cluster where none of them is in one. `pod_network` (components/network)
    stands before the membership, so that it outlives the pods when the host leaves.
    """
    return [
        Step(_STEPS / "kubernetes_version.sh", {"version": kubernetes.version}),
        Step(_STEPS / "cni_watched.sh"),
        packages(
            [f"{name}={kubernetes.version}-*" for name in ("kubeadm", "kubelet", "kubectl")],
            label="kubernetes",
            hold=True,
            folders=_FOLDERS,
        ),
        # etcd is asked through its HTTP door: its image need not have etcdctl.
        *([packages(["curl"], label="curl")] if "control-plane" in host.roles else []),
        Step(_STEPS / "kubelet_service.sh"),
        *pod_network,
        _membership(host, control_planes, cluster, kubernetes, network, engine),
    ]


def member(host: Host) -> list[Step]:
    """The layer `member-<host>` on a control plane: the node's labels and taints, Ready, and how it leaves.

    Of a host that is gone: the node is out of the cluster. This is applied, not deleted: a delete would run where the
    layer last ran, and that may be the very control plane that is gone.
    """
    control_plane = "control-plane" in host.roles
    node = {"node": host.name, "address": str(host.address), "controlPlane": "yes" if control_plane else "no"}
    if host.state == "gone":
        return [Step(_STEPS / "node_ready.sh", {**node, "state": "gone"})]
    return [
        Step(_STEPS / "node_labels.sh", {"node": host.name, "labels": _joined(_labels(host))}),
        Step(
            _STEPS / "node_taints.sh",
            {
                "node": host.name,
                "taints": ",".join(sorted(host.taints)),
                "controlPlaneTaint": "absent" if "worker" in host.roles else "present",
            },
        ),
        # Last, so that it is undone first: a node that leaves takes no work on its way out.
        Step(_STEPS / "node_ready.sh", node),
    ]


def begins(host: Host, control_planes: Sequence[Host]) -> bool:
    """Whether `host` begins the cluster where there is none."""
    return host.name == control_planes[0].name


def _membership(
    host: Host,
    control_planes: Sequence[Host],
    cluster: str,
    kubernetes: Kubernetes,
    network: Network,
    engine: Containerd,
) -> Step:
    first = begins(host, control_planes)
    bulk = {"join": kubeadm.join_config(host, kubernetes)}
    if first:
        bulk["init"] = kubeadm.init_config(
            host, control_planes, cluster=cluster, kubernetes=kubernetes, network=network, engine=engine
        )
    inputs = {
        "node": host.name,
        "role": "control-plane" if "control-plane" in host.roles else "worker",
        "begin": "init" if first else "join",
        "cluster": cluster,
        "endpoint": kubeadm.endpoint(kubernetes, control_planes),
        "podSubnet": str(network.pod_subnet),
        "serviceSubnet": str(network.service_subnet),
        "dnsDomain": kubernetes.cluster_domain,
    }
    settings = _settings(kubernetes) if "control-plane" in host.roles else {}
    return Step(_STEPS / "cluster_member.sh", inputs | settings, bulk)


def _settings(kubernetes: Kubernetes) -> dict[str, str]:
    """What a running cluster keeps: readable in the diff, so that the step can name what differs."""
    texts = {
        "apiServer": kubernetes.api_server,
        "extraSans": kubernetes.extra_sans,
        "kubelet": kubernetes.kubelet,
        "kubeProxy": kubernetes.kube_proxy,
    }
    return {
        "imageRepository": kubernetes.image_repository,
        **{key: json.dumps(value, sort_keys=True, separators=(",", ":")) for key, value in texts.items()},
    }


def _labels(host: Host) -> dict[str, str]:
    role = {_WORKER_LABEL: ""} if "worker" in host.roles else {}
    return {**role, **host.labels}


def _joined(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
