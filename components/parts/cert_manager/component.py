"""cert-manager in the cluster: its chart, then its issuers.

Rows: L2.
"""

from collections.abc import Callable, Mapping

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.cert_manager import plan
from components.parts.cert_manager.config import Authority, CertManager
from components.parts.part import Ground
from components.parts.tls import tls_secret


class Manager(ComponentResource):
    """The Helm release, which waits until its webhook answers, then each ClusterIssuer with its Secrets."""

    def __init__(
        self,
        name: str,
        config: CertManager,
        *,
        ground: Ground,  # noqa: ARG002 - it needs nothing of it
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:CertManagerRelease", name, {}, opts)
        values = chart.merged(config.values, plan.values(config))
        source = chart.source(config.chart, config.version, config.repository)
        place = plan.NAMESPACE, plan.RELEASE
        release = cluster.release(self, f"{name}-release", place, source, values, crds=plan.KINDS)
        options = cluster.options(self)
        for called, issuer in config.issuers.items():
            if isinstance(issuer, Authority):
                before = [self._authority(name, called, issuer, cluster, secret)]
            else:
                before = [
                    self._secret(f"{name}-secret-{each}", each, {of.key: secret(of.value_secret)}, options)
                    for each, of in issuer.secrets.items()
                ]
            k8s.apiextensions.CustomResource(
                f"{name}-issuer-{called}",
                api_version="cert-manager.io/v1",
                kind="ClusterIssuer",
                metadata=k8s.meta.v1.ObjectMetaArgs(name=called, annotations=FORCE),
                spec=plan.spec(called, issuer),
                opts=cluster.options(self, release, *before),
            )
        self.register_outputs({})

    def _authority(
        self,
        name: str,
        called: str,
        issuer: Authority,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
    ) -> Resource:
        place = (plan.NAMESPACE, plan.key_of(called))
        named = (issuer.key_secret, f"network.certManager.issuers.{called}.keySecret")
        key, options = secret(issuer.key_secret), cluster.options(self)
        return tls_secret(f"{name}-authority-{called}", place, issuer.certificate, key, named, options)

    def _secret(self, resource: str, called: str, data: Mapping[str, Input[str]], opts: ResourceOptions) -> Resource:
        return k8s.core.v1.Secret(
            resource,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=called, namespace=plan.NAMESPACE, annotations=FORCE),
            type="Opaque",
            string_data=data,
            opts=opts,
        )
