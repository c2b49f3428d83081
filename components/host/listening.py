"""The services that listen on a host; each room declares its own. The firewall's openings, the ports that preflight
wants free and the collisions between rooms all come from this one list. Pure.
"""

from dataclasses import dataclass, replace

from components.forms import ports
from components.host.config import Host
from components.host.net import Packet
from components.host.openings import Opening, Sources
from components.problem import Key

REDSOCKS = 12345


@dataclass(frozen=True, slots=True)
class Listening:
    """One service and its port or ports. An opening of the operator's own (`firewall.allow`) is not a service."""

    name: str
    """Name of its opening in the firewall, unique on each host."""
    what: str
    """The service as people call it, for example `the kubelet`."""
    port: str
    """One port, or `FIRST-LAST`; empty for vrrp, which has none."""
    protocol: Packet = "tcp"
    sources: Sources | None = "site"
    """Who may connect; None for a service that listens on loopback."""
    key: Key = ()
    """The key of the site that sets the port or brings the service; in a part, relative to the part's entry."""
    fixed: bool = False
    """True when no key can move it to another port."""
    layer: str = ""
    """Preflight wants the port free until the host has this layer. Empty: the room checks it itself, if at all."""

    @property
    def ports(self) -> range | None:
        """None when the site's value is not a port; a check reports that."""
        return ports(self.port)

    @property
    def opening(self) -> Opening | None:
        """Its opening in the firewall; None for a service that listens on loopback."""
        return None if self.sources is None else Opening(self.name, self.port, self.protocol, self.sources)

    def under(self, key: Key) -> "Listening":
        """The same for the whole site: its key, relative to the entry at `key`, made absolute."""
        return replace(self, key=(*key, *self.key))


def listening(host: Host) -> tuple[Listening, ...]:
    """sshd, and redsocks, which takes other hosts' traffic only if the site names interfaces for it."""
    ssh = Listening("ssh", "SSH", str(host.ssh.port), sources="any", key=("hosts", host.name, "ssh", "port"))
    if host.socks is None:
        return (ssh,)
    # The step socks drops connections to this port that were not redirected.
    sources: Sources | None = "any" if host.socks.interfaces else None
    key = ("hosts", host.name, "socks")
    return (ssh, Listening("redsocks", "redsocks", str(REDSOCKS), sources=sources, key=key, fixed=True))


def openings(host: Host) -> tuple[Opening, ...]:
    """SSH, the answers of DHCP (no connection precedes them), redsocks, and the site's own `firewall.allow`."""
    own = {each.name: each.opening for each in listening(host) if each.opening}
    allowed = host.firewall.allow.items() if host.firewall else ()
    return (
        own["ssh"],
        Opening("dhcp-client", "68", "udp", "any"),
        Opening("dhcpv6-client", "546", "udp", "any"),
        *(opening for name, opening in own.items() if name != "ssh"),
        *(Opening(name, allow.port, allow.protocol, allow.sources or "any") for name, allow in allowed),
    )
