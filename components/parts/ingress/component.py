"""HAProxy's ingress controller in the cluster: the site's certificate, then its chart.

Rows: L2.
"""

from collections.abc import Callable
from pathlib import Path

import pulumi_kubernetes as k8s
from pulumi import (
    ComponentResource,
    Input,
    Output,
    Resource,
    ResourceHook,
    ResourceHookArgs,
    ResourceHookBinding,
    ResourceOptions,
)

from components.certificates import not_its_key
from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import Ground

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
            certificate = self._certificate(name, config.certificate, config.key_secret, cluster, secret)
        else:
            certificate = self._issued(name, config, ground, cluster)
        values = chart.merged(config.values, plan.values(config, ground))
        cluster.release(self, f"{name}-release", (plan.NAMESPACE, plan.RELEASE), config, values, certificate)
        self.register_outputs({})

    def _certificate(
        self, name: str, file: Path, key_secret: str, cluster: ClusterRef, secret: Callable[[str], Input[str]]
    ) -> Resource:
        key, text = Output.from_input(secret(key_secret)), file.read_text()

        async def check(_: ResourceHookArgs) -> None:
            must_belong(await key.future() or "", text, key_secret)

        hook = ResourceHook(f"before-{name}-certificate", check)
        options = cluster.options(self)
        options.hooks = ResourceHookBinding(before_create=[hook], before_update=[hook])
        return k8s.core.v1.Secret(
            f"{name}-certificate",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=plan.CERTIFICATE, namespace=plan.NAMESPACE, annotations=FORCE),
            type="kubernetes.io/tls",
            string_data={"tls.crt": text, "tls.key": key},
            opts=options,
        )

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


class WrongKeyError(Exception):
    """The secret is not the key of the certificate. str() says which, and the command that sets it."""


def must_belong(key: str, text: str, name: str) -> None:
    """Before the certificate is created or changed: its key is that of its file. Raises WrongKeyError."""
    if trouble := not_its_key(key, text):
        told = f"the secret {name} (network.ingress.keySecret) {trouble} Nothing was changed"
        raise WrongKeyError(f"{told}. Fix: pulumi config set --secret {name} < FILE")
