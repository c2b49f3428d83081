"""The logs of the cluster: the password, the store, then the agents that bring it what pods write.

Rows: N3.
"""

from collections.abc import Callable

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.ingress import plan as ingress
from components.parts.logs import values
from components.parts.logs.config import Logs
from components.parts.part import Ground
from components.parts.web import web_name


class Store(ComponentResource):
    """The Secrets, the two Helm releases, who may connect, and the name at the ingress."""

    def __init__(
        self,
        name: str,
        config: Logs,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:VictoriaLogs", name, {}, opts)
        word = secret(config.password_secret)
        here = self._password(f"{name}-password", values.STORE, word, cluster)
        there = self._password(f"{name}-collector-password", values.AGENTS, word, cluster)
        own, others = config.store, config.collector
        store = cluster.release(
            self,
            f"{name}-store",
            (values.STORE, values.STORE_RELEASE),
            chart.source(own.chart, own.version, own.repository),
            values.store_values(config),
            here,
        )
        cluster.release(
            self,
            f"{name}-collector",
            (values.AGENTS, values.AGENTS_RELEASE),
            chart.source(others.chart, others.version, others.repository),
            values.agents_values(config),
            there,
            store,
        )
        self._policy(f"{name}-policy", config, cluster)
        if config.name:
            place = (values.STORE, values.SERVER)
            web_name(f"{name}-web", f"{config.name}.{ground.domain}", place, "http", cluster.options(self, store))
        self.register_outputs({})

    def _password(self, resource: str, namespace: str, word: Input[str], cluster: ClusterRef) -> Resource:
        return k8s.core.v1.Secret(
            resource,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=values.PASSWORD, namespace=namespace, annotations=FORCE),
            string_data={"password": word},
            opts=cluster.options(self),
        )

    def _policy(self, resource: str, config: Logs, cluster: ClusterRef) -> None:
        """Pods of projects do not reach the store at all, where the network enforces policies."""
        net = k8s.networking.v1
        within = [values.AGENTS, *([ingress.NAMESPACE] if config.name else [])]
        labels = k8s.meta.v1.LabelSelectorArgs(
            match_expressions=[
                k8s.meta.v1.LabelSelectorRequirementArgs(
                    key="kubernetes.io/metadata.name", operator="In", values=within
                )
            ]
        )
        net.NetworkPolicy(
            resource,
            metadata=k8s.meta.v1.ObjectMetaArgs(name="gpu-metal", namespace=values.STORE, annotations=FORCE),
            spec=net.NetworkPolicySpecArgs(
                pod_selector=k8s.meta.v1.LabelSelectorArgs(),
                policy_types=["Ingress"],
                ingress=[
                    net.NetworkPolicyIngressRuleArgs(from_=[net.NetworkPolicyPeerArgs(namespace_selector=labels)])
                ],
            ),
            opts=cluster.options(self),
        )
