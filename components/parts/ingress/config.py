"""What a site may say of its ingress (row L2)."""

from ipaddress import IPv4Address
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.local import CertificateFile
from components.model import LabelName, Model, SecretName, Word
from components.parts.ingress import versions
from components.url import ChartUrl

NodePort = Annotated[int, Field(ge=30000, le=32767)]
"""In Kubernetes' own range for them."""


class NodePorts(Model):
    """Ports of every node that lead to the ingress (L2)."""

    http: NodePort = 30080
    """For HTTP."""
    https: NodePort = 30443
    """For HTTPS."""


class Issuer(Model):
    """Who issues the certificate for DOMAIN and *.DOMAIN (L2)."""

    name: LabelName
    """One of network.certManager.issuers. An ACME server gives a certificate with a star by DNS-01 only."""
    existing: bool = False
    """true: the cluster has cert-manager, with a ClusterIssuer of this name, from elsewhere."""


class Ingress(Model):
    """The way in to the web services of the cluster, under names of the site's domain (L2)."""

    within: ClassVar[str] = "network"
    """The object of the site in which its key stands."""
    kind: Literal["haproxy"]
    """HAProxy's own controller."""
    certificate: CertificateFile | None = None
    """PEM chain, the certificate for *.DOMAIN first; with keySecret. A new file is taken up without a restart."""
    key_secret: SecretName | None = None
    """Name of the secret that holds the certificate's key (PEM)."""
    issuer: Issuer | None = None
    """In place of these two: cert-manager gets the certificate, and renews it."""
    expose: Literal["loadBalancer", "nodePort"] = "loadBalancer"
    """loadBalancer: an address of network.loadBalancer; nodePort: ports of every node."""
    address: IPv4Address | None = None
    """Its address, one of the load balancer's pool; default: the first."""
    node_ports: NodePorts = NodePorts()
    replicas: Annotated[int, Field(ge=1, le=64)] = 2
    """How many pods of the controller there are."""
    chart: str = "kubernetes-ingress"
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl | None = versions.REPOSITORY
    """Address of the chart repository."""
    version: Word = versions.CHART
    """Exact version of the chart."""
    values: dict[str, object] = {}
    """More values of the chart; those that other keys decide are refused here."""
