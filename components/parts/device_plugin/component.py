"""NVIDIA's device plugin in the cluster: its release, and a pod that proves it.

Rows: O3, O4.
"""

import json
from collections.abc import Callable
from hashlib import sha256

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, ResourceOptions

from components.kubernetes.handle import ClusterRef
from components.parts.device_plugin.config import DevicePlugin
from components.parts.device_plugin.part import NAMESPACE, RELEASE
from components.parts.device_plugin.values import values
from components.parts.gpu_smoke import smoke
from components.parts.part import Ground


class Plugin(ComponentResource):
    """A Helm release, and what proves it."""

    def __init__(
        self,
        name: str,
        config: DevicePlugin,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],  # noqa: ARG002 - it has none
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:DevicePluginRelease", name, {}, opts)
        wanted = values(config, ground.hosts)
        release = k8s.helm.v3.Release(
            f"{name}-release",
            name=RELEASE,
            namespace=NAMESPACE,
            chart=config.chart,
            version=config.version,
            repository_opts={"repo": config.repository} if config.repository else None,
            values=wanted,
            opts=cluster.release(self, f"{name}-release", NAMESPACE, RELEASE),
        )
        if config.smoke:
            said = sha256(json.dumps([config.version, wanted], sort_keys=True).encode()).hexdigest()[:16]
            smoke(name, NAMESPACE, config.smoke, said, parent=self, cluster=cluster, after=release)
        self.register_outputs({})
