"""The example in the cluster: a map of its own, and one for each tenant."""

from collections.abc import Callable

import pulumi_kubernetes as k8s
from components.parts.example.config import Example
from pulumi import ComponentResource, Input, ResourceOptions

from components.kubernetes.handle import ClusterRef
from components.parts.part import Ground


class Map(ComponentResource):
    """What the part is in the cluster."""

    def __init__(
        self,
        name: str,
        config: Example,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions,
    ) -> None:
        super().__init__("gpu-metal:example:Map", name, {}, opts)
        data: dict[str, Input[str]] = {"image": config.image, "address": str(ground.hosts[config.host].address)}
        if config.token_secret:
            data["token"] = secret(config.token_secret)
        metadata = k8s.meta.v1.ObjectMetaArgs(name="example", namespace="example")
        k8s.core.v1.ConfigMap(f"{name}-map", metadata=metadata, data=data, opts=cluster.options(self))
        self.register_outputs({})


class OfTenant(ComponentResource):
    """What a tenant gets of it."""

    def __init__(
        self,
        name: str,
        config: Example,
        *,
        tenant: str,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions,
    ) -> None:
        super().__init__("gpu-metal:example:OfTenant", name, {}, opts)
        metadata = k8s.meta.v1.ObjectMetaArgs(name="example", namespace=tenant)
        k8s.core.v1.ConfigMap(
            f"{name}-map", metadata=metadata, data={"image": config.image}, opts=cluster.options(self)
        )
        self.register_outputs({})
