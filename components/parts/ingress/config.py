"""What a site may say of its ingress (row L2)."""

from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field

from components.local import CertificateFile
from components.model import Model, SecretName, Word
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


class Ingress(Model):
    """The way in to the web services of the cluster, under names of the site's domain (L2)."""

    kind: Literal["haproxy"]
    """HAProxy's own controller."""
    certificate: CertificateFile
    """PEM chain, the certificate for *.DOMAIN first; with keySecret. A new file is taken up without a restart."""
    key_secret: SecretName
    """Name of the secret that holds the certificate's key (PEM)."""
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
