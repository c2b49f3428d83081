"""Config of a host's network: interfaces, names, proxies, firewall (rows H2, H14, H15, H17, H18)."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import Field

from components.forms import form
from components.host.addresses import HostAddress, ProxyAddress
from components.model import HostName, LabelName, Model, Port
from components.url import WebUrl

InterfaceName = Annotated[
    str,
    form(
        r"^[A-Za-z0-9_.@:-]{1,15}$",
        "is not an interface's name: 15 characters at most, as ip link shows it, such as eth0.",
    ),
]
Protocol = Literal["tcp", "udp"]
Packet = Protocol | Literal["vrrp"]
"""Also one without ports, by which keepalived speaks (protocol 112 of IP)."""


class Interfaces(Model):
    """Names of a host's network interfaces by use (H2); preflight checks that they exist and are up."""

    internal: InterfaceName | None = None
    """The one that carries the host's address in the site."""
    external: InterfaceName | None = None
    """The one that leads to other networks."""
    data: InterfaceName | None = None
    """The fast one, for storage or jobs."""
    mtu: Annotated[int, Field(ge=1280, le=9216)] | None = None
    """MTU that internal and data must have; it is measured, not set (H18)."""


class Proxy(Model):
    """Proxies for programs that use one (H14): set in the environment, the package manager, engine and kubelet."""

    http: WebUrl | None = None
    """For http addresses. Write no password in it: every user of the host can read these files."""
    https: WebUrl | None = None
    """For https addresses; default: the one for http."""
    ftp: WebUrl | None = None
    """For ftp addresses."""
    no_proxy: tuple[str, ...] = ()
    """Exceptions beyond the site's own, which are its hosts, domain, pods and services, and localhost."""


class Socks(Model):
    """redsocks: sends outgoing TCP through a SOCKS5 proxy, without settings in the programs (H14)."""

    address: ProxyAddress
    """The proxy's address."""
    port: Port = 1080
    """The proxy's port."""
    interfaces: tuple[InterfaceName, ...] = ()
    """Traffic that comes in on these goes through the proxy too; the host's own always does."""
    direct: tuple[IPv4Network, ...] = ()
    """Destinations left alone, beyond private and local ones."""


class Dns(Model):
    """Name servers of a host (H15)."""

    servers: Annotated[tuple[HostAddress, ...], Field(min_length=1, max_length=3)]
    """One to three: the resolver reads no more."""
    search: Annotated[tuple[HostName, ...], Field(max_length=6)] = ()
    """Search domains; default: the site's domain."""


class Allow(Model):
    """One opening of a firewall, beside those of the layers in use."""

    port: Annotated[
        str,
        form(
            r"^[0-9]{1,5}(-[0-9]{1,5})?$",
            'is not one port or a range, such as "443" or "3105-3109". Make more openings.',
        ),
    ]
    """One port or FIRST-LAST, quoted."""
    protocol: Protocol = "tcp"
    """Protocol of the port."""
    sources: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that may connect; without any, all may."""


class Firewall(Model):
    """Exactly the ports that the layers in use need, and `allow` (H17)."""

    kind: Literal["nftables", "firewalld", "ufw", "off"] = "nftables"
    """off: all three are turned off."""
    allow: dict[LabelName, Allow] = {}
    """More openings, by a name that tells why."""


class NetSettings(Model):
    """Settings of the network, for every level of the site."""

    interfaces: Interfaces = Interfaces()
    proxy: Proxy | None = None
    socks: Socks | None = None
    dns: Dns | None = None
    firewall: Firewall | None = None
    """Opens the ports that the layers in use need, and `allow`; on hosts with Docker, the same holds for ports that
    containers publish. Unset leaves the host's firewall alone."""
