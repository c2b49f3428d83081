"""NVIDIA's device plugin in the cluster: its release, and a pod that proves it.

Rows: O3, O4.
"""

from collections.abc import Callable

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
        before = [self._runtime(name, runtime, cluster)] if runtime else []
        source = chart.source(config.chart, config.version, config.repository)
        place = (NAMESPACE, RELEASE)
        release = cluster.release(self, f"{name}-release", place, source, wanted, *before)
        if config.smoke:
            proven = [config.version, wanted]
            serving, child = pods.with_gpus(ground.hosts), cluster.options(self, release)
            smoke(name, NAMESPACE, config.smoke, proven, serving=serving, runtime=runtime, opts=child)
        self.register_outputs({})

    def _runtime(self, name: str, runtime: str, cluster: ClusterRef) -> Resource:
        """By this class pods get the runtime of the hosts' toolkit; the chart does not bring it."""
        return k8s.node.v1.RuntimeClass(
            f"{name}-runtime",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=runtime, annotations=FORCE),
            handler=runtime,
            opts=cluster.options(self),
        )
