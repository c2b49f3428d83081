"""Headlamp in the cluster: what it logs in with, its release, and its name at the ingress.

Rows: N3.
"""

from collections.abc import Callable

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.dashboard import values
from components.parts.dashboard.config import Dashboard
from components.parts.part import Ground
from components.parts.web import web_name


class Headlamp(ComponentResource):
    """The Secret for the identity provider, then the Helm release, then the Ingress."""

    def __init__(
        self,
        name: str,
        config: Dashboard,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:Headlamp", name, {}, opts)
        oidc = ground.kubernetes.oidc if ground.kubernetes else None
        before: list[Resource] = []
        if config.oidc and oidc:
            data: dict[str, Input[str]] = {
                "OIDC_CLIENT_ID": oidc.client,
                "OIDC_CLIENT_SECRET": secret(config.oidc.secret),
                "OIDC_ISSUER_URL": oidc.issuer,
                "OIDC_SCOPES": ",".join(config.oidc.scopes),
            }
            before.append(
                k8s.core.v1.Secret(
                    f"{name}-oidc",
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        name=values.OIDC, namespace=values.NAMESPACE, annotations=FORCE
                    ),
                    string_data=data,
                    opts=cluster.options(self),
                )
            )
        source = chart.source(config.chart, config.version, config.repository)
        place = (values.NAMESPACE, values.RELEASE)
        release = cluster.release(self, f"{name}-release", place, source, values.values(config), *before)
        web_name(f"{name}-web", f"{config.name}.{ground.domain}", place, "http", cluster.options(self, release))
        self.register_outputs({})
