"""NVIDIA's device plugin in the cluster: its release, and a pod that proves it.

Rows: O3, O4.
"""

import json
from collections.abc import Callable
from hashlib import sha256

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.gpu import pods
from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.device_plugin.config import DevicePlugin
from components.parts.device_plugin.part import NAMESPACE, RELEASE
from components.parts.device_plugin.values import runtime_class, values
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
        wanted, runtime = values(config, ground.hosts), runtime_class(ground.hosts)
        repository = chart.repository(config.chart, config.repository)
        before = [self._runtime(name, runtime, cluster)] if runtime else []
        release = k8s.helm.v3.Release(
            f"{name}-release",
            name=RELEASE,
            namespace=NAMESPACE,
            chart=config.chart,
            version=config.version,
            repository_opts={"repo": repository} if repository else None,
            values=wanted,
            opts=cluster.release(self, f"{name}-release", NAMESPACE, RELEASE, *before),
        )
        if config.smoke:
            said = sha256(json.dumps([config.version, wanted], sort_keys=True).encode()).hexdigest()[:16]
            serving, opts = pods.with_gpus(ground.hosts), cluster.options(self, release)
            smoke(name, NAMESPACE, config.smoke, said, serving=serving, runtime=runtime, opts=opts)
        self.register_outputs({})

    def _runtime(self, name: str, runtime: str, cluster: ClusterRef) -> Resource:
        """By this class pods get the runtime of the hosts' toolkit; the chart does not bring it."""
        return k8s.node.v1.RuntimeClass(
            f"{name}-runtime",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=runtime, annotations=FORCE),
            handler=runtime,
            opts=cluster.options(self),
        )
