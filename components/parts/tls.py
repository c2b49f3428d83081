"""A certificate of a site's file as a Secret of the cluster, with the key that the site has as a secret."""

from pathlib import Path

import pulumi_kubernetes as k8s
from pulumi import Input, Output, Resource, ResourceHook, ResourceHookArgs, ResourceOptions

from components.certificates import not_its_key
from components.kubernetes.force import FORCE
from components.kubernetes.handle import before


class WrongKeyError(Exception):
    """The secret is not the key of the certificate. str() says which, and the command that sets it."""


def must_belong(key: str, text: str, name: str, site_key: str) -> None:
    """Before the certificate is created or changed: its key is that of its file. Raises WrongKeyError.

    `name` is the secret's, and `site_key` the key of the site that names it.
    """
    if trouble := not_its_key(key, text):
        told = f"the secret {name} ({site_key}) {trouble} Nothing was changed"
        raise WrongKeyError(f"{told}. Fix: pulumi config set --secret {name} < FILE")


def tls_secret(
    resource: str, place: tuple[str, str], file: Path, key: Input[str], named: tuple[str, str], options: ResourceOptions
) -> Resource:
    """The Secret, which is refused while its key is another certificate's.

    `place`: its namespace and its name there. `named`: the secret's name, and the key of the site that names it.
    """
    text, private = file.read_text(), Output.from_input(key)

    async def check(_: ResourceHookArgs) -> None:
        must_belong(await private.future() or "", text, *named)

    hook = ResourceHook(f"before-{resource}", check)
    before(options, hook)
    namespace, called = place
    return k8s.core.v1.Secret(
        resource,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=called, namespace=namespace, annotations=FORCE),
        type="kubernetes.io/tls",
        string_data={"tls.crt": text, "tls.key": private},
        opts=options,
    )
