"""The GPU Operator in the cluster: its release, the driver's package sources, and a pod that proves it.

Rows: O1, O4.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
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
            before.append(self._sources(name, config.driver.sources, cluster))
        wanted = values(config, ground.hosts, monitored="monitoring" in ground.provides)
        source, place = chart.source(config.chart, config.version, config.repository), (NAMESPACE, RELEASE)
        # The chart brings newer CRDs by a hook, which comes after Helm has compared its objects with those there:
        # operator.upgradeCRD in its values file.
        newer_crds = {"disable_openapi_validation": True}
        release = cluster.release(self, f"{name}-release", place, source, wanted, *before, **newer_crds)
        if config.smoke:
            serving = nodes.serving(config, ground.hosts)
            proven = [config.version, wanted]
            runtime, child = runtime_class(config, ground.hosts), cluster.options(self, release)
            smoke(name, NAMESPACE, config.smoke, proven, serving=serving, runtime=runtime, opts=child)
        self.register_outputs({})

    def _sources(self, name: str, sources: Mapping[str, Path], cluster: ClusterRef) -> Resource:
        return k8s.core.v1.ConfigMap(
            f"{name}-driver-sources",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=SOURCES, namespace=NAMESPACE, annotations=FORCE),
            # An address of a package source may have a password in it, which Pulumi's state must not have in clear.
            data=Output.secret({file: path.read_text() for file, path in sources.items()}),
            opts=cluster.options(self),
        )
