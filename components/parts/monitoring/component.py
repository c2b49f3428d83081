"""Prometheus in the cluster: the secrets that it needs, its release, and the site's alerts.

Rows: M1, M2.
"""

import json
from collections.abc import Callable, Mapping

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.monitoring import receivers, rules
from components.parts.monitoring.config import Alertmanager, Monitoring, RemoteWrite
from components.parts.monitoring.values import ADMIN, NAMESPACE, RECEIVERS, RELEASE, REMOTE, values
from components.parts.part import Ground

Secrets = Callable[[str], Input[str]]


class Prometheus(ComponentResource):
    """The Secrets, then the Helm release, which brings the CRDs, then the alerts."""

    def __init__(
        self,
        name: str,
        config: Monitoring,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Secrets,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:Prometheus", name, {}, opts)
        before = [
            self._secret(f"{name}-{what}", called, data, cluster)
            for what, called, data in _secrets(config, secret)
            if data
        ]
        source, place = chart.source(config.chart, config.version, config.repository), (NAMESPACE, RELEASE)
        release = cluster.release(self, f"{name}-release", place, source, values(config), *before, crds="newer")
        k8s.apiextensions.CustomResource(
            f"{name}-alerts",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="gpu-metal", namespace=NAMESPACE, annotations=FORCE),
            spec={"groups": rules.groups(ground)},
            opts=cluster.options(self, release),
        )
        self.register_outputs({})

    def _secret(self, resource: str, called: str, data: Mapping[str, Input[str]], cluster: ClusterRef) -> Resource:
        return k8s.core.v1.Secret(
            resource,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=called, namespace=NAMESPACE, annotations=FORCE),
            string_data=data,
            opts=cluster.options(self),
        )


def _secrets(config: Monitoring, secret: Secrets) -> list[tuple[str, str, dict[str, Input[str]]]]:
    """Of each Secret: the end of its resource's name, its name, and what is in it."""
    found: list[tuple[str, str, dict[str, Input[str]]]] = []
    if config.grafana:
        data: dict[str, Input[str]] = {"admin-user": "admin", "admin-password": secret(config.grafana.password_secret)}
        found.append(("admin", ADMIN, data))
    if config.alertmanager:
        found.append(("receivers", RECEIVERS, {"alertmanager.yaml": _receivers(config.alertmanager, secret)}))
    logins = {key: value for name, each in config.remote_write.items() for key, value in _login(name, each, secret)}
    return [*found, ("remote-write", REMOTE, logins)]


def _receivers(config: Alertmanager, secret: Secrets) -> Output[str]:
    names = {name for each in config.receivers.values() if (name := receivers.secret(each))}
    known = Output.all(**{name: secret(name) for name in names})
    # Alertmanager reads YAML, of which JSON is a part.
    return Output.secret(known.apply(lambda secrets: json.dumps(receivers.configuration(config, secrets), indent=1)))


def _login(name: str, remote: RemoteWrite, secret: Secrets) -> list[tuple[str, Input[str]]]:
    if remote.token_secret:
        return [(f"{name}-token", secret(remote.token_secret))]
    if remote.user and remote.password_secret:
        return [(f"{name}-user", remote.user), (f"{name}-password", secret(remote.password_secret))]
    return []
