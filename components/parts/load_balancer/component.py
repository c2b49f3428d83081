"""MetalLB in the cluster: its chart, the pool, and how the pool is announced.

Rows: L1.
"""

from collections.abc import Callable
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.load_balancer import plan
from components.parts.load_balancer.config import LoadBalancer
from components.parts.part import Ground


class MetalLb(ComponentResource):
    """The Helm release, then its IPAddressPool and the advertisement: its webhook must answer for these."""

    def __init__(
        self,
        name: str,
        config: LoadBalancer,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:MetalLb", name, {}, opts)
        values = chart.merged(config.values, plan.values(config, ground.hosts))
        place = plan.NAMESPACE, "metallb"
        release = cluster.release(self, f"{name}-release", place, config, values, crds=plan.KINDS)
        pool = self._object(f"{name}-pool", cluster, "IPAddressPool", plan.pool(config), release)
        if config.bgp is None:
            spec = plan.layer2(config, ground.hosts)
            self._object(f"{name}-layer2", cluster, "L2Advertisement", spec, pool)
        else:
            self._object(f"{name}-bgp", cluster, "BGPAdvertisement", plan.advertisement(config), pool)
            self._peers(name, config, cluster, secret, release)
        self.register_outputs({})

    def _peers(
        self,
        name: str,
        config: LoadBalancer,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        release: Resource,
    ) -> None:
        for peer, spec in plan.peers(config).items():
            after = [release]
            if config.bgp and (password := config.bgp.peers[peer].password_secret):
                after.append(
                    k8s.core.v1.Secret(
                        f"{name}-peer-{peer}-password",
                        metadata=_metadata(plan.secret_of(peer)),
                        type="kubernetes.io/basic-auth",
                        string_data={"password": secret(password)},
                        opts=cluster.options(self),
                    )
                )
            self._object(f"{name}-peer-{peer}", cluster, "BGPPeer", spec, *after, called=peer, version="v1beta2")

    def _object(
        self,
        resource: str,
        cluster: ClusterRef,
        kind: str,
        spec: dict[str, Any],
        *after: Resource,
        called: str = plan.POOL,
        version: str = "v1beta1",
    ) -> Resource:
        return k8s.apiextensions.CustomResource(
            resource,
            api_version=f"metallb.io/{version}",
            kind=kind,
            metadata=_metadata(called),
            spec=spec,
            opts=cluster.options(self, *after),
        )


def _metadata(name: str) -> k8s.meta.v1.ObjectMetaArgs:
    return k8s.meta.v1.ObjectMetaArgs(name=name, namespace=plan.NAMESPACE, annotations=FORCE)
