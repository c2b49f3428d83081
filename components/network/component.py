"""The pod network as a chart: flannel. The plain bridge is made by steps of the node layer instead (steps.py)."""

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.network.config import Flannel, Network
from components.network.steps import flannel_values


class PodNetwork(ComponentResource):
    """flannel as a Helm release in its own privileged namespace."""

    def __init__(
        self,
        name: str,
        network: Network,
        flannel: Flannel,
        *,
        cluster: ClusterRef,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:network:PodNetwork", name, {}, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-flannel",
            metadata={
                "name": "kube-flannel",
                "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
                "annotations": FORCE,
            },
            opts=cluster.options(self),
        )
        place, values = ("kube-flannel", "flannel"), flannel_values(network)
        cluster.release(self, f"{name}-flannel-release", place, flannel, values, namespace)
        self.register_outputs({})
