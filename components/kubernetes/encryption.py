"""Secrets encrypted in etcd: what a site says of it, and the steps that bring keys in and out. Pure.

https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/. Of the providers whose keys are in a file, it calls
secretbox alone strong without a limit on writes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.config import Host
from components.hostrun.step import Step
from components.kubernetes.api_server import FOLDER
from components.model import Model, SecretName

ARGUMENT = "encryption-provider-config"
FILE = f"{FOLDER}/{ARGUMENT}"
IDENTITY = "identity"
"""Kubernetes' name for plain text."""

KNOWN, FIRST, WRITTEN, ONLY = "secret-keys", "secret-keys-first", "secrets-written", "secret-keys-only"
"""Names of the layers."""

Phase = Literal["known", "first", "only"]
_STEPS = Path(__file__).with_name("steps")
_NAME = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"


class Key(Model):
    """A key, of which no two have the same name, ever."""

    name: Annotated[str, form(_NAME, "is not a name of a key: up to 40 lower-case letters, digits and '-'.")]
    """Its name: etcd has it before each Secret that it encrypts."""
    key_secret: SecretName
    """Name of the secret that holds the key: 32 random bytes in base64."""


class Encryption(Model):
    """Secrets are encrypted in etcd, by the provider secretbox (XSalsa20, Poly1305)."""

    keys: Annotated[tuple[Key, ...], Field(min_length=1)]
    """The first encrypts, all can decrypt. With another first one, all Secrets are written anew; after that
    `pulumi up`, nothing needs a former one."""
    decrypt: bool = False
    """true: all Secrets are written as plain text. After that `pulumi up`, `encryption` may leave the site."""

    @property
    def order(self) -> tuple[str, ...]:
        """Names, and `identity` for plain text: the API server writes with the first."""
        names = tuple(key.name for key in self.keys)
        return (IDENTITY, *names) if self.decrypt else (*names, IDENTITY)

    @property
    def how(self) -> str:
        """How etcd then has each Secret, in the words of lib.sh."""
        return "plain" if self.decrypt else f"secretbox:v1:{self.keys[0].name}"


def before(encryption: Encryption | None, host: Host, planes: Sequence[str]) -> dict[str, list[Step]]:
    """The layer before `node`, one of its own: what is beside a secret in a layer is secret too. `planes`: the names of
    all control planes."""
    if encryption is None or "control-plane" not in host.roles:
        return {}
    return {KNOWN: [_keys(encryption, "known", planes)]}


def after(encryption: Encryption | None, host: Host, planes: Sequence[str]) -> dict[str, list[Step]]:
    """The layers after `node`."""
    if encryption is None or "control-plane" not in host.roles:
        return {}
    written = Step(_STEPS / "secrets_written.sh", {"how": encryption.how, "planes": ",".join(planes)})
    return {
        FIRST: [_keys(encryption, "first", planes)],
        **({WRITTEN: [written]} if host.name == planes[0] else {}),
        ONLY: [_keys(encryption, "only", planes)],
    }


def _keys(encryption: Encryption, phase: Phase, planes: Sequence[str]) -> Step:
    given = {f"key.{key.name}": key.key_secret for key in encryption.keys}
    inputs = {"phase": phase, "order": ",".join(encryption.order), "planes": ",".join(planes)}
    return Step(_STEPS / "secret_keys.sh", inputs, secrets=given if phase == "known" else {})
