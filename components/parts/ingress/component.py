"""HAProxy's ingress controller in the cluster: the site's certificate, then its chart.

Rows: L2.
"""

from collections.abc import Callable

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import Ground
from components.parts.tls import tls_secret

_READY = {"pulumi.com/waitFor": "condition=Ready"}
"""A controller without its certificate would show one of its own."""


class HaProxy(ComponentResource):
    """A Secret with the certificate, which changes in place, and the Helm release, which does not change with it."""

    def __init__(
        self,
        name: str,
        config: Ingress,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:HaProxy", name, {}, opts)
        if config.certificate and config.key_secret:
            place, named = (plan.NAMESPACE, plan.CERTIFICATE), (config.key_secret, "network.ingress.keySecret")
            resource, key, options = f"{name}-certificate", secret(config.key_secret), cluster.options(self)
            certificate = tls_secret(resource, place, config.certificate, key, named, options)
        else:
            certificate = self._issued(name, config, ground, cluster)
        values = chart.merged(config.values, plan.values(config, ground))
        cluster.release(self, f"{name}-release", (plan.NAMESPACE, plan.RELEASE), config, values, certificate)
        self.register_outputs({})

    def _issued(self, name: str, config: Ingress, ground: Ground, cluster: ClusterRef) -> Resource:
        """What cert-manager is to get; it writes the Secret."""
        return k8s.apiextensions.CustomResource(
            f"{name}-issued",
            api_version="cert-manager.io/v1",
            kind="Certificate",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=plan.CERTIFICATE, namespace=plan.NAMESPACE, annotations={**FORCE, **_READY}
            ),
            spec=plan.issued(config, ground),
            opts=cluster.options(self),
        )
