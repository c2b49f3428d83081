"""The GPU Operator in the cluster: its release, the driver's package sources, and a pod that proves it.

Rows: O1, O4.
"""

from collections.abc import Callable

from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.driver_sources import driver_sources
from components.parts.gpu_operator import nodes
from components.parts.gpu_operator.config import GpuOperator
from components.parts.gpu_operator.part import NAMESPACE
from components.parts.gpu_operator.values import SOURCES, runtime_class, values
from components.parts.gpu_smoke import smoke
from components.parts.part import Ground

RELEASE = "gpu-operator"


class Operator(ComponentResource):
    """A Helm release, and what it needs beside it."""

    def __init__(
        self,
        name: str,
        config: GpuOperator,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],  # noqa: ARG002 - it has none
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:GpuOperatorRelease", name, {}, opts)
        before: list[Resource] = []
        if config.driver and config.driver.sources:
            files, child = config.driver.sources, cluster.options(self)
            before.append(driver_sources(f"{name}-driver-sources", NAMESPACE, SOURCES, files, child))
        wanted = values(config, ground.hosts, monitored="monitoring" in ground.provides)
        source, place = chart.source(config.chart, config.version, config.repository), (NAMESPACE, RELEASE)
        release = cluster.release(self, f"{name}-release", place, source, wanted, *before, crds="newer")
        if config.smoke:
            serving = nodes.serving(config, ground.hosts)
            proven = [config.version, wanted]
            runtime, child = runtime_class(config, ground.hosts), cluster.options(self, release)
            smoke(name, NAMESPACE, config.smoke, proven, serving=serving, runtime=runtime, opts=child)
        self.register_outputs({})
