"""People sign in to the API server through an identity provider (OIDC). Pure.

From 1.30 on by an AuthenticationConfiguration, which can also refuse names that Kubernetes keeps for itself; before by
arguments: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens
"""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Annotated, Any

from ruamel.yaml import YAML

from components.forms import form
from components.local import AuthorityFile
from components.model import Model
from components.rule import Rule
from components.shown import quoted

CONFIGURED = (1, 30)
"""The first version in which AuthenticationConfiguration is on (v1beta1); v1 from 1.34 on.
pkg/features/kube_features.go of k8s.io/apiserver v0.34.2, StructuredAuthenticationConfiguration"""
_V1 = (1, 34)
ANONYMOUS = (1, 32)
"""The first version in which it can say whom the API server answers without signing in; the same file,
AnonymousAuthConfigurableEndpoints."""

Claim = Annotated[
    str, form(r"^[!#-\[\]-~]{1,256}$", "is not the name of a claim or a client: letters, digits and signs.")
]

_ISSUER = re.compile(r"https://[^\s/?#@:]+(:\d{1,5})?(/[^\s?#]*)?")
KEPT = "system:"
"""What the names of Kubernetes' own users and groups begin with:
https://kubernetes.io/docs/reference/access-authn-authz/rbac/"""


def _not_an_issuer(text: str) -> str | None:
    if _ISSUER.fullmatch(text):
        return None
    said = "is not the address of an issuer: https://HOST/PATH, without a user, a ? or a #, as in the tokens' iss"
    return f"{quoted(text)} {said}. Write it as the provider shows it."


def _not_a_prefix(text: str) -> str | None:
    if text == "-":
        return '"-" is how the argument of the API server says "no prefix". Write "".'
    if not re.fullmatch("[!-~]*", text):
        return f'{quoted(text)} is not a prefix: letters, digits and signs, without blanks. Write one such as "oidc:".'
    if text.startswith(KEPT):
        return f'{quoted(text)} would give people names of Kubernetes itself. Write another one, for example "oidc:".'
    return None


class Oidc(Model):
    """The identity provider whose tokens the API server accepts."""

    issuer: Annotated[str, Rule(_not_an_issuer)]
    """Its address as in the tokens (`iss`); the API server reads `/.well-known/openid-configuration` below it."""
    client: Claim
    """The client's id, as in the tokens' `aud`."""
    username_claim: Claim = "sub"
    """Claim that is the user's name."""
    username_prefix: Annotated[str, Rule(_not_a_prefix)] = "oidc:"
    """What is put in front of it. "" for nothing: from Kubernetes 1.30 on only."""
    groups_claim: Claim | None = None
    """Claim with the user's groups; without it users have none."""
    groups_prefix: Annotated[str, Rule(_not_a_prefix)] = "oidc:"
    """What is put in front of each. "" for nothing: from Kubernetes 1.30 on only."""
    ca_file: AuthorityFile | None = None
    """Certificate of the authority that signed the issuer's, if hosts do not know it."""


def configuration(
    oidc: Oidc | None, minor: tuple[int, int], authority: str | None, *, anonymous: Sequence[str] = ()
) -> str:
    """The file of the argument authentication-config; `authority` is the text of `caFile`, `anonymous` has the only
    paths that are answered without signing in, if not empty."""
    version = "v1" if minor >= _V1 else "v1beta1"
    document = {
        "apiVersion": f"apiserver.config.k8s.io/{version}",
        "kind": "AuthenticationConfiguration",
        **({"anonymous": {"enabled": True, "conditions": [{"path": path} for path in anonymous]}} if anonymous else {}),
        **({"jwt": [_jwt(oidc, authority)]} if oidc else {}),
    }
    out = StringIO()
    yaml = YAML()
    yaml.width = 4096
    yaml.dump(document, out)
    return out.getvalue()


def _jwt(oidc: Oidc, authority: str | None) -> dict[str, Any]:
    issuer: dict[str, Any] = {"url": oidc.issuer, "audiences": [oidc.client]}
    if authority is not None:
        issuer["certificateAuthority"] = authority
    claims: dict[str, Any] = {"username": {"claim": oidc.username_claim, "prefix": oidc.username_prefix}}
    rules = [_rule("!user.username.startsWith('system:')", "a user's name")]
    if oidc.groups_claim:
        claims["groups"] = {"claim": oidc.groups_claim, "prefix": oidc.groups_prefix}
        rules.append(_rule("user.groups.all(group, !group.startsWith('system:'))", "a group's name"))
    return {"issuer": issuer, "claimMappings": claims, "userValidationRules": rules}


def _rule(expression: str, what: str) -> dict[str, str]:
    return {"expression": expression, "message": f"{what} must not begin with {KEPT}"}


def arguments(oidc: Oidc) -> dict[str, str]:
    """What versions before 1.30 are given, beside the file of oidc-ca-file."""
    found = {
        "oidc-issuer-url": oidc.issuer,
        "oidc-client-id": oidc.client,
        "oidc-username-claim": oidc.username_claim,
        "oidc-username-prefix": oidc.username_prefix,
    }
    if oidc.groups_claim:
        found |= {"oidc-groups-claim": oidc.groups_claim, "oidc-groups-prefix": oidc.groups_prefix}
    return found
