"""The Secrets of Run:ai's two namespaces: certificates, the own authority, the login to the registry.

Rows: R1, R3, R4.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pulumi_kubernetes as k8s
from pulumi import Input, Output, Resource, ResourceHook, ResourceHookArgs

from components.certificates import not_its_key
from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef, before
from components.local import certificates
from components.platforms.runai import places, versions
from components.platforms.runai.config import Registry, Runai

Secret = Callable[[str], Input[str]]


class UnfitSecretError(Exception):
    """A secret of the stack cannot be what the site says that it is. str() says which, and the command that sets it."""


class ExpiredError(Exception):
    """A certificate is out of date. str() says which, and since when."""


class Keeper:
    """Makes Secrets below a component, each before what reads it."""

    def __init__(self, name: str, config: Runai, parent: Resource, cluster: ClusterRef, secret: Secret) -> None:
        self._name, self._config, self._parent = name, config, parent
        self._cluster, self._secret = cluster, secret
        self._hooks: dict[str, ResourceHook] = {}

    def of_control_plane(self) -> list[Resource]:
        """What has to be in the control plane's namespace."""
        found = [self.certificate("backend-tls", places.BACKEND, places.BACKEND_TLS)]
        return [*found, *self._everywhere(places.BACKEND, {})]

    def of_cluster(self) -> list[Resource]:
        """What has to be in the cluster's namespace, and in Knative's."""
        names = (("cluster-tls", places.CLUSTER_TLS), ("star-tls", places.STAR_TLS))
        found = [self.certificate(resource, places.NAMESPACE, name) for resource, name in names]
        labels = {"run.ai/cluster-wide": "true", "run.ai/name": places.AUTHORITY}
        found += self._everywhere(places.NAMESPACE, labels)
        if of := self._config.inference:
            pair = (of.certificate, of.key_secret, "inference.keySecret")
            found.append(self.certificate("inference-tls", places.KNATIVE, places.INFERENCE_TLS, pair))
        return found

    def plain(self, resource: str, namespace: str, name: str, data: Mapping[str, Input[str]]) -> Resource:
        """A Secret of these texts."""
        return self._made(resource, namespace, name, "Opaque", data)

    def _everywhere(self, namespace: str, labels: Mapping[str, str]) -> list[Resource]:
        found: list[Resource] = []
        of = self._config
        if of.authority:
            data = {places.AUTHORITY_KEY: of.authority.read_text()}
            resource = f"{namespace}-authority"
            found.append(self._made(resource, namespace, places.AUTHORITY, "Opaque", data, labels))
        if of.registry and of.registry.password_secret:
            password = Output.from_input(self._secret(of.registry.password_secret))
            text = password.apply(partial(login, of.registry))
            kind = "kubernetes.io/dockerconfigjson"
            found.append(self._made(f"{namespace}-pull", namespace, places.PULL, kind, {".dockerconfigjson": text}))
        return found

    def certificate(
        self, resource: str, namespace: str, name: str, of: tuple[Path, str, str] | None = None
    ) -> Resource:
        """A Secret with a certificate and its key; `of`: another file, its secret, and the key of the site of both."""
        path, key_secret, where = of or (self._config.certificate, self._config.key_secret, "keySecret")
        text, key = path.read_text(), Output.from_input(self._secret(key_secret))

        async def check(_: ResourceHookArgs) -> None:
            must_belong(await key.future() or "", text, key_secret, f"{self._name}: {where}")
            must_be_in_time(path, f"{self._name}: {where.replace('keySecret', 'certificate')}")

        if where not in self._hooks:
            self._hooks[where] = ResourceHook(f"before-{self._name}-{where}", check)
        data: dict[str, Input[str]] = {"tls.crt": text, "tls.key": key}
        return self._made(resource, namespace, name, "kubernetes.io/tls", data, hook=self._hooks[where])

    def _made(
        self,
        resource: str,
        namespace: str,
        name: str,
        kind: str,
        data: Mapping[str, Input[str]],
        labels: Mapping[str, str] | None = None,
        hook: ResourceHook | None = None,
    ) -> Resource:
        options = self._cluster.options(self._parent)
        known = labels or None  # an empty map would be a change at each run
        if hook:
            before(options, hook)
        return k8s.core.v1.Secret(
            f"{self._name}-{resource}",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=known, annotations=FORCE),
            type=kind,
            string_data=data,
            opts=options,
        )


def login(registry: Registry, password: str) -> str:
    """The file by which the kubelet logs in to a registry."""
    host = registry.images.partition("/")[0]
    auth = base64.b64encode(f"{registry.username}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"username": registry.username, "password": password, "auth": auth}}})


def must_belong(key: str, text: str, name: str, where: str) -> None:
    """Before a certificate is created or changed: its key is that of its file. Raises UnfitSecretError."""
    if trouble := not_its_key(key, text):
        told = f"the secret {name} ({where}) {trouble} Nothing was changed"
        raise UnfitSecretError(f"{told}. Fix: pulumi config set --secret {name} < FILE")


def must_be_in_time(path: Path, where: str) -> None:
    """Before a certificate is created or changed: nobody would trust an expired one. Raises ExpiredError."""
    end = certificates(path.read_text())[0].not_valid_after_utc
    if end < datetime.now(UTC):
        text = f'"{path.name}" ({where}) has a certificate that expired on {end:%Y-%m-%d}: neither people nor this'
        raise ExpiredError(f"{text} program would trust it. Nothing was changed. Fix: get a new one, then pulumi up")


def must_do(password: str, name: str) -> None:
    """The first administrator's password is one that Run:ai takes, and not what everybody knows.

    Raises UnfitSecretError.
    """
    wanted = {
        "a lower-case letter": str.islower,
        "an upper-case letter": str.isupper,
        "a digit": str.isdigit,
        "a sign": lambda sign: not sign.isalnum() and not sign.isspace(),
    }
    lacking = [what for what, is_one in wanted.items() if not any(map(is_one, password))]
    trouble = ""
    if password in versions.FIRST_PASSWORDS:
        trouble = "is the first password of Run:ai's guides, which everybody knows"
    elif len(password) < 8 or lacking:
        short = ["8 signs or more"] if len(password) < 8 else []
        trouble = f"lacks {', '.join([*short, *lacking])}, which Run:ai asks of a password"
    if trouble:
        fix = f"Fix: pulumi config set --secret {name}, with another one"
        raise UnfitSecretError(f"the secret {name} (admin.passwordSecret) {trouble}. Nothing was changed. {fix}")
