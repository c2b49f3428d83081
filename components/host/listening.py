"""What listens on a host: each room declares its own. Openings of the firewall, ports that preflight wants free, and
what two rooms want at once all come from this one list. Pure.
"""

from dataclasses import dataclass, replace

from components.forms import ports
from components.host.config import Host
from components.host.net import Protocol
from components.host.openings import Opening, Sources
from components.problem import Key

REDSOCKS = 12345


@dataclass(frozen=True, slots=True)
class Listening:
    """One service and its port, or ports. An opening that the operator asks for (`firewall.allow`) is no service."""

    name: str
    """Of its opening in the firewall: one of its own on each host."""
    what: str
    """The service as people call it, for example `the kubelet`."""
    port: str
    """One, or `FIRST-LAST`."""
    protocol: Protocol = "tcp"
    sources: Sources | None = "site"
    """Who may come in; none for what listens on loopback."""
    key: Key = ()
    """The key of the site that decides the port, or brings the service. A part's is relative to its own entry."""
    fixed: bool = False
    """No key moves it to another port."""
    layer: str = ""
    """Preflight wants the port free until the host has this layer; none: the room itself asks, or nobody needs to."""

    @property
    def ports(self) -> range | None:
        """None where the site says what is no port: a check tells that."""
        return ports(self.port)

    @property
    def opening(self) -> Opening | None:
        """In the firewall."""
        return None if self.sources is None else Opening(self.name, self.port, self.protocol, self.sources)

    def under(self, key: Key) -> "Listening":
        """The same with a key of the whole site, for one of the entry at `key`."""
        return replace(self, key=(*key, *self.key))


def listening(host: Host) -> tuple[Listening, ...]:
    """sshd; and redsocks, to which other hosts' traffic is redirected where the site names their interfaces."""
    ssh = Listening("ssh", "SSH", str(host.ssh.port), sources="any", key=("hosts", host.name, "ssh", "port"))
    if host.socks is None:
        return (ssh,)
    # What was not redirected, the step socks drops before.
    sources: Sources | None = "any" if host.socks.interfaces else None
    key = ("hosts", host.name, "socks")
    return (ssh, Listening("redsocks", "redsocks", str(REDSOCKS), sources=sources, key=key, fixed=True))


def openings(host: Host) -> tuple[Opening, ...]:
    """SSH, always; redsocks; the answers of DHCP, which no connection precedes; and what the site allows of its own."""
    own = {each.name: each.opening for each in listening(host) if each.opening}
    allowed = host.firewall.allow.items() if host.firewall else ()
    return (
        own["ssh"],
        Opening("dhcp-client", "68", "udp", "any"),
        Opening("dhcpv6-client", "546", "udp", "any"),
        *(opening for name, opening in own.items() if name != "ssh"),
        *(Opening(name, allow.port, allow.protocol, allow.sources or "any") for name, allow in allowed),
    )
