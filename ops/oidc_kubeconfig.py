"""A kubeconfig by which a user signs in at the site's identity provider. It has no secret.

kubectl starts kubelogin (`kubectl oidc-login`), which opens a browser and keeps the token:
https://github.com/int128/kubelogin/blob/master/docs/usage.md
"""

import base64
from typing import Any

from components.kubernetes.oidc import Oidc

HONEST = (
    "There is no secret in it: the user signs in at the identity provider. To end the access, disable the user there; "
    "a token that was given before opens what it did until it ends."
)
_SCOPES = {"email": "email", "preferred_username": "profile", "name": "profile"}
"""Scope of a claim, by OpenID Connect Core 1.0, section 5.4."""


def user(oidc: Oidc) -> dict[str, Any]:
    """The entry of `users`."""
    words = ["oidc-login", "get-token", f"--oidc-issuer-url={oidc.issuer}", f"--oidc-client-id={oidc.client}"]
    if scope := _SCOPES.get(oidc.username_claim):
        words.append(f"--oidc-extra-scope={scope}")
    if oidc.ca_file:
        authority = base64.b64encode(oidc.ca_file.read_bytes()).decode()
        words.append(f"--certificate-authority-data={authority}")
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "kubectl",
            "args": words,
            "interactiveMode": "IfAvailable",
            "installHint": "Install kubelogin, which is kubectl's plugin oidc-login.",
        }
    }


def remark(oidc: Oidc, name: str, subject: str, *, by_email: bool) -> str:
    """Empty where the user's name in the site can be one that a token gives; `by_email`: tokens name people by their
    email address, and the site has no other name for this one."""
    if by_email and "@" not in subject:
        text = f"tokens name people by their email, and {name} is known to the cluster as {subject}"
        return f"{text}. Fix: users.{name}.email, then pulumi up; or --certificate"
    if subject.startswith(oidc.username_prefix):
        return ""
    text = f"the names in tokens begin with {oidc.username_prefix}, and {name} is known to the cluster as {subject}"
    return f"{text}. Fix: users.{name}.subject, then pulumi up; or --certificate"
