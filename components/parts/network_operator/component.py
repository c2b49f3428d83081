"""The Network Operator in the cluster: its release, its policy, and the networks that pods join.

Rows: L3.
"""

from collections.abc import Callable

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, CustomTimeouts, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.driver_sources import driver_sources
from components.parts.network_operator import objects
from components.parts.network_operator.config import NetworkOperator
from components.parts.network_operator.objects import NAMESPACE, Made
from components.parts.network_operator.part import RELEASE
from components.parts.network_operator.values import values
from components.parts.part import Ground

_READY = {"pulumi.com/waitFor": "jsonpath={.status.state}=ready"}
"""The kind of the address pools comes with what the policy asks for."""
_PATIENCE = "30m"
"""A driver in a container is built on each host, one after another."""


class Operator(ComponentResource):
    """A Helm release, and the objects that say what it is to do."""

    def __init__(
        self,
        name: str,
        config: NetworkOperator,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],  # noqa: ARG002 - it has none
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:NetworkOperatorRelease", name, {}, opts)
        before: list[Resource] = []
        if config.driver and config.driver.sources:
            files, child = config.driver.sources, cluster.options(self)
            before.append(driver_sources(f"{name}-driver-sources", NAMESPACE, objects.SOURCES, files, child))
        source, place = chart.source(config.chart, config.version, config.repository), (NAMESPACE, RELEASE)
        wanted = values(config, ground)
        release = cluster.release(self, f"{name}-release", place, source, wanted, *before, crds="newer")
        self._policy_and_networks(name, config, ground, cluster, release)
        self.register_outputs({})

    def _policy_and_networks(
        self, name: str, config: NetworkOperator, ground: Ground, cluster: ClusterRef, release: Resource
    ) -> None:
        spec = objects.policy(config, ground.hosts)
        made = Made("mellanox.com/v1alpha1", "NicClusterPolicy", objects.POLICY, None, spec)
        policy = self._object(f"{name}-policy", cluster, made, release, wait=bool(config.networks))
        for pool, functions in objects.functions(config).items():
            self._object(f"{name}-functions-{pool}", cluster, functions, release)
        for called, network in config.networks.items():
            addresses = self._object(f"{name}-addresses-{called}", cluster, objects.addresses(called, network), policy)
            self._object(f"{name}-network-{called}", cluster, objects.network(config, called), addresses)

    def _object(self, resource: str, cluster: ClusterRef, made: Made, *after: Resource, wait: bool = False) -> Resource:
        options = cluster.options(self, *after)
        if wait:
            options.custom_timeouts = CustomTimeouts(create=_PATIENCE, update=_PATIENCE)
        return k8s.apiextensions.CustomResource(
            resource,
            api_version=made.api,
            kind=made.kind,
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=made.name, namespace=made.namespace, annotations={**FORCE, **(_READY if wait else {})}
            ),
            spec=made.spec,
            opts=options,
        )
