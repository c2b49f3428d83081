"""What a site may say of cert-manager (row L2)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from components.forms import form
from components.kubernetes.config import not_images
from components.local import AuthorityFile
from components.model import LabelName, Model, SecretName
from components.parts.cert_manager import versions
from components.rule import Rule
from components.url import ChartUrl

ChartVersion = Annotated[
    str,
    form(r"^v[0-9]{1,4}(\.[0-9]{1,4}){2}$", 'is not a version of the chart: v and three numbers, such as "v1.21.1".'),
]
Email = Annotated[
    str, form(r"^[^@\s]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$", "is not an e-mail address, such as ops@example.org.")
]
Server = Annotated[
    str,
    form(
        r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        "is not the address of an ACME directory, such as https://acme-v02.api.letsencrypt.org/directory.",
    ),
]
DataKey = Annotated[str, form(r"^[A-Za-z0-9._-]{1,253}$", "is not a key of a Secret, such as tsig-secret.")]


class Authority(Model):
    """Certificates signed by an authority of the site's own (L2)."""

    kind: Literal["ca"]
    """The authority's key is in the cluster."""
    certificate: AuthorityFile
    """PEM file of the authority's certificate, then those of its issuers; with keySecret."""
    key_secret: SecretName
    """Name of the secret that holds the authority's key (PEM)."""


class Credential(Model):
    """A Secret in cert-manager's namespace, which `dns01` names (L2)."""

    key: DataKey
    """The key in it."""
    value_secret: SecretName
    """Name of the secret that holds its value."""


class Acme(Model):
    """Certificates of an ACME server, such as Let's Encrypt (L2). It asks the name server for a proof (DNS-01), which
    is the only way to a certificate for *.DOMAIN."""

    kind: Literal["acme"]
    """The cluster must reach the server, and write to the domain's name server."""
    server: Server
    """The server's directory."""
    email: Email
    """Where the server tells of trouble."""
    dns01: dict[str, Any]
    """The solver: one provider with its settings, as cert-manager's reference of ACMEChallengeSolverDNS01 has them."""
    secrets: dict[LabelName, Credential] = {}
    """Secrets that the settings name, by their name."""


class CertManager(Model):
    """cert-manager: makes certificates, and renews them in time."""

    within: ClassVar[str] = "network"
    """The object of the site in which its key stands."""
    chart: str = versions.CHART
    """A chart name in `repository`; with a slash in it, a path or an oci:// address, which needs no repository."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: ChartVersion = versions.VERSION
    """Exact version of the chart (L2)."""
    images: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of a mirror that has every image of the chart at its own path, such as
    jetstack/cert-manager-controller. Default: quay.io, or the engine's mirror of it."""
    issuers: dict[LabelName, Annotated[Authority | Acme, Field(discriminator="kind")]] = {}
    """ClusterIssuers by name: `ca` or `acme` (L2). network.ingress.issuer names one."""
    values: dict[str, Any] = {}
    """More values of the chart. Those that the keys above decide are refused."""
