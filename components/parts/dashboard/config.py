"""What a site may say of its dashboard (row N3)."""

from typing import Annotated, Any

from components.forms import form
from components.kubernetes.config import not_images
from components.model import LabelName, Model, SecretName, Version
from components.parts.dashboard import versions
from components.rule import Rule
from components.url import ChartUrl

Scope = Annotated[
    str, form(r"^[!#-+.-\[\]-~-]+$", "is not one scope: write each as a text of its own, without blanks and commas.")
]


class Login(Model):
    """Login at the identity provider of `kubernetes.oidc`. There, allow the redirect https://NAME.DOMAIN/oidc-callback."""

    secret: SecretName
    """Name of the secret that holds the secret of the client `kubernetes.oidc.client`."""
    scopes: tuple[Scope, ...] = ("openid", "profile", "email")
    """What it asks the provider for: the scope with the claims of users and groups must be among them."""


class Dashboard(Model):
    """Headlamp, the cluster's objects in a browser. It has no rights: each user does what its own token may (N3)."""

    name: LabelName = "dashboard"
    """Its name below the site's domain, at the ingress."""
    oidc: Login | None = None
    """Login at the identity provider; without it, users paste a token (`kubectl create token`)."""
    images: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of a mirror that has the image headlamp-k8s/headlamp. Default: ghcr.io, or the engine's mirror."""
    chart: str = versions.CHART
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: Version = versions.VERSION
    """Exact version of the chart."""
    values: dict[str, Any] = {}
    """More values of the chart. Those that the keys above decide are refused."""
