"""The Secrets of Rancher's namespace, and what its passwords must be.

Rows: T5.
"""

from collections.abc import Callable, Mapping

import pulumi_kubernetes as k8s
from pulumi import Input, Output, Resource, ResourceHook, ResourceHookArgs

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts.ingress.config import Ingress
from components.parts.part import Ground
from components.parts.tls import tls_secret
from components.platforms.rancher import places, versions
from components.platforms.rancher.config import Rancher

Secret = Callable[[str], Input[str]]


class UnfitSecretError(Exception):
    """A secret of the stack cannot be what the site says that it is. str() says which, and the command that sets it."""


class Keeper:
    """Makes Secrets below a component, each before what reads it."""

    def __init__(
        self, name: str, config: Rancher, ground: Ground, parent: Resource, cluster: ClusterRef, secret: Secret
    ) -> None:
        self._name, self._config, self._ground = name, config, ground
        self._parent, self._cluster, self._secret = parent, cluster, secret

    def all(self) -> list[Resource]:
        """The certificate, unless cert-manager makes it, and the own authority."""
        return [*self._certificate(), *self._authority()]

    def guard(self) -> ResourceHook:
        """Before the release is installed or upgraded: Rancher takes both passwords."""
        of = self._config
        passwords = {
            "bootstrapPasswordSecret": of.bootstrap_password_secret,
            "admin.passwordSecret": of.admin.password_secret,
        }
        known = {where: (name, Output.from_input(self._secret(name))) for where, name in passwords.items()}

        async def check(_: ResourceHookArgs) -> None:
            for where, (name, password) in known.items():
                must_do(await password.future() or "", name, where)

        return ResourceHook(f"before-{self._name}-release", check)

    def _certificate(self) -> list[Resource]:
        of = self._config
        file, key, where = of.certificate, of.key_secret, f"{self._name}: keySecret"
        ingress = self._ground.config(Ingress)
        if file is None and ingress:
            file, key, where = ingress.certificate, ingress.key_secret, "network.ingress.keySecret"
        if file is None or key is None:
            return []
        options = self._cluster.options(self._parent)
        place = (places.NAMESPACE, places.TLS)
        return [tls_secret(f"{self._name}-tls", place, file, self._secret(key), (key, where), options)]

    def _authority(self) -> list[Resource]:
        if self._config.authority is None:
            return []
        data: Mapping[str, Input[str]] = {places.AUTHORITY_KEY: self._config.authority.read_text()}
        return [
            k8s.core.v1.Secret(
                f"{self._name}-authority",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=places.AUTHORITY, namespace=places.NAMESPACE, annotations=FORCE
                ),
                type="Opaque",
                string_data=data,
                opts=self._cluster.options(self._parent),
            )
        ]


def must_do(password: str, name: str, where: str) -> None:
    """A password of admin is one that Rancher takes. Raises UnfitSecretError."""
    if len(password) < versions.PASSWORD:
        trouble = f"has {len(password)} characters, and Rancher asks for {versions.PASSWORD} at least"
        fix = f"Fix: pulumi config set --secret {name}, with another one"
        raise UnfitSecretError(f"the secret {name} ({where}) {trouble}. Nothing was changed. {fix}")
