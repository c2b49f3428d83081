"""What a site may say of its load balancer (row L1)."""

from ipaddress import IPv4Network
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.forms import form
from components.host.addresses import HostAddress
from components.model import LabelName, Model, Port, SecretName, Word
from components.parts.load_balancer import versions
from components.parts.load_balancer.pool import wrong
from components.rule import Rule
from components.url import ChartUrl

Pool = Annotated[str, Rule(wrong)]
"""`FIRST-LAST` or a network, several divided by commas."""
Asn = Annotated[int, Field(ge=1, le=4294967295)]
Interface = Annotated[
    str, form(r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,14}$", "is not the name of a network interface, such as eth0.")
]


class Peer(Model):
    """A router to which the nodes speak BGP (L1)."""

    address: HostAddress
    """Its address."""
    asn: Asn
    """Its autonomous system."""
    port: Port = 179
    """Its TCP port."""
    multihop: bool = False
    """true: the router is not in the nodes' own segment."""
    password_secret: SecretName | None = None
    """Name of the secret that holds the session's password (TCP MD5)."""


class Bgp(Model):
    """Announcement of the pool to routers, in place of layer 2 (L1)."""

    asn: Asn
    """The nodes' own autonomous system."""
    peers: Annotated[dict[LabelName, Peer], Field(min_length=1)]
    """The routers, by a name of your own."""
    communities: tuple[
        Annotated[str, form(r"^[0-9]{1,5}:[0-9]{1,5}$", "is not a community, such as 64512:100.")], ...
    ] = ()
    """BGP communities of the announcements."""


class LoadBalancer(Model):
    """Addresses for services of type LoadBalancer: MetalLB, or what the site has already (L1)."""

    within: ClassVar[str] = "network"
    """The object of the site in which its key stands."""
    kind: Literal["metallb", "external"] = "metallb"
    """metallb, or external: others give the addresses of the pool, and nothing is installed."""
    pool: Pool
    """Addresses that services get: FIRST-LAST or a network, several divided by commas. No machine has one of them."""
    segment: IPv4Network | None = None
    """The hosts' layer-2 network, in which the pool lies; default: the /24 of the pool's first address."""
    interfaces: tuple[Interface, ...] = ()
    """Names of the interfaces that answer for the pool at layer 2; default: all of a node's."""
    bgp: Bgp | None = None
    """Announces the pool by BGP instead of layer 2."""
    chart: str = "metallb"
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl | None = versions.REPOSITORY
    """Address of the chart repository."""
    version: Word = versions.CHART
    """Exact version of the chart."""
    values: dict[str, object] = {}
    """More values of the chart; those that other keys decide are refused here."""
