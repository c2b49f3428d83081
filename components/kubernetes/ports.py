"""What Kubernetes needs to come in. https://kubernetes.io/docs/reference/networking/ports-and-protocols/"""

from collections.abc import Sequence

from components.host.config import Host
from components.host.openings import Opening, site_networks


def openings(host: Host, control_planes: Sequence[Host]) -> tuple[Opening, ...]:
    """Not the controller manager's and the scheduler's: kubeadm binds them to loopback."""
    planes = site_networks(plane.address for plane in control_planes)
    node = (
        Opening("kubelet", "10250"),
        Opening("kube-proxy", "10256"),
        Opening("node-ports-tcp", "30000-32767", "tcp", "any"),
        Opening("node-ports-udp", "30000-32767", "udp", "any"),
    )
    if "control-plane" not in host.roles:
        return node
    return (Opening("kubernetes-api", "6443", "tcp", "any"), Opening("etcd", "2379-2380", "tcp", planes), *node)
