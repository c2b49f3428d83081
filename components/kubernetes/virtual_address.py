"""One address that moves between the control planes: what a site says of it, and its steps. Pure.

keepalived gives the address to a control plane whose haproxy reaches a ready API server; haproxy, on each of them,
passes connections on to all API servers that are ready. docs/adr/0033-an-address-that-moves.md says why both.
https://github.com/kubernetes/kubeadm/blob/main/docs/ha-considerations.md
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from components.host.addresses import HostAddress
from components.host.config import Host
from components.host.listening import Listening
from components.host.openings import site_networks
from components.host.packages import packages
from components.hostrun.step import Step
from components.model import Model, Port

_STEPS = Path(__file__).with_name("steps")
_PROGRAMS = Path(__file__).with_name("programs")
_KEY = ("kubernetes", "virtualAddress")
MEMBER = "/etc/gpu-metal/endpoint/member"
"""Program of the step: whether a control plane, once it is one, has an API server that works."""
STATE = "/etc/gpu-metal/endpoint/state.lua"
_CHECKED = "check check-ssl verify none inter 1s fall 3 rise 2 on-marked-down shutdown-sessions"
_LAST_PORT = 65535
HEALTHY = 50
"""What a control plane gains in priority while it reaches a ready API server: more than all else that is weighed."""


_GARP_REFRESH = 5
"""Seconds between the holder's gratuitous ARP messages. Without them, a host that takes another control plane for the
holder keeps sending to it. That one forwards, and its kube-proxy drops all but the first packet of each connection,
since it sees one direction only: TCP connects, and the client waits for TLS."""


_CHECKS = f"""\
vrrp_script api {{{{
    script "/usr/bin/curl -sfk --noproxy 127.0.0.1 --max-time 2 -o /dev/null https://127.0.0.1:{{port}}/readyz"
    interval 1
    timeout 3
    fall 3
    rise 2
    weight {HEALTHY}
}}}}

vrrp_script member {{{{
    script "{MEMBER}"
    user root
    interval 1
    timeout 4
    fall 30
    rise 1
    init_fail
}}}}
"""


class VirtualAddress(Model):
    """An address that the control planes have in turn, by keepalived and haproxy, which are installed on each."""

    address: HostAddress
    """IPv4, in the control planes' own network; no machine has it, and no DHCP server gives it away."""
    port: Port = 8443
    """Port of haproxy on every control plane. It is not 6443, where the API server of each listens. On the port after
    it, control planes tell each other whether they take connections."""
    router_id: Annotated[int, Field(ge=1, le=255)] = 51
    """Number of the group in VRRP, which no other group of these hosts' keepalived has."""


def endpoint(address: VirtualAddress) -> str:
    """`host:port` by which all reach the API server."""
    return f"{address.address}:{address.port}"


def state_port(address: VirtualAddress) -> int:
    """Where a control plane tells the others whether its API server takes new connections (programs/endpoint.lua)."""
    return address.port + (1 if address.port < _LAST_PORT else -1)


def preflight(address: VirtualAddress, control_planes: Sequence[Host]) -> list[Step]:
    """On a control plane, before anything is changed."""
    peers = {"peers": "".join(f"{plane.address}\n" for plane in control_planes)}
    return [Step(_STEPS / "virtual_address_free.sh", {"address": str(address.address)}, peers)]


def steps(
    address: VirtualAddress,
    host: Host,
    control_planes: Sequence[Host],
    api_port: int,
    leaving: Sequence[Host] = (),
) -> list[Step]:
    """On a control plane, before its membership: kubeadm itself connects to the endpoint. `leaving`: of the site's
    control planes those that are gone."""
    inputs = {
        "address": str(address.address),
        "port": str(address.port),
        "node": str(host.address),
        "router_id": str(address.router_id),
    }
    settings = {
        "address": address.address,
        "port": address.port,
        "node": host.address,
        "state_port": state_port(address),
    }
    texts = {
        "haproxy": _haproxy(address, host, control_planes, api_port),
        "keepalived": _keepalived(address, host, [*control_planes, *leaving]),
        "settings": "".join(f"{name}={value}\n" for name, value in settings.items()),
        "program": (_PROGRAMS / "endpoint.sh").read_text(),
        "state": (_PROGRAMS / "endpoint.lua").read_text(),
    }
    return [
        packages(["curl", "haproxy", "keepalived", "nftables"], label="virtual-address"),
        Step(_STEPS / "virtual_address.sh", inputs, texts),
    ]


def listening(
    address: VirtualAddress, control_planes: Sequence[Host], leaving: Sequence[Host] = ()
) -> Iterator[Listening]:
    """On a control plane; VRRP between them only."""
    what = "haproxy in front of the API servers"
    yield Listening("kubernetes-endpoint", what, str(address.port), "tcp", "any", (*_KEY, "port"), layer="node")
    planes = site_networks(plane.address for plane in control_planes)
    state, key = str(state_port(address)), (*_KEY, "port")
    yield Listening("kubernetes-state", "haproxy's word to the others", state, "tcp", planes, key, layer="node")
    speakers = [*control_planes, *leaving]
    if len(speakers) > 1:
        heard = site_networks(plane.address for plane in speakers)
        yield Listening("vrrp", "keepalived", "", "vrrp", heard, _KEY, fixed=True)


_DEFAULTS = """\
defaults
    mode tcp
    # What one API server refuses, or leaves unanswered, goes to the next, sooner than on-marked-down would cut it.
    retries 3
    option redispatch 1
    timeout connect 500ms
    timeout check 2s
    # Watches and kubectl exec are silent for long; a dead peer is found by the kernel's keepalive.
    timeout client 4h
    timeout server 4h
    option clitcpka
    option srvtcpka

"""


def _haproxy(address: VirtualAddress, host: Host, control_planes: Sequence[Host], api_port: int) -> str:
    """Without a word of logs: haproxy tells systemd's journal when a server comes and goes.

    What a control plane says of itself (agent-check) counts only while it can be asked.
    """
    state = state_port(address)
    servers = "".join(f"    server {plane.name} {plane.address}:{api_port}\n" for plane in control_planes)
    return f"""\
# gpu-metal
global
    user haproxy
    group haproxy
    chroot /var/lib/haproxy
    lua-load {STATE}

{_DEFAULTS}frontend api
    bind *:{address.port}
    default_backend planes

frontend state
    bind {host.address}:{state}
    timeout client 5s
    tcp-request content use-service lua.state

backend planes
    balance leastconn
    option httpchk GET /readyz
    http-check expect status 200
    default-server {_CHECKED} agent-check agent-port {state} agent-inter 1s
{servers}"""


def _keepalived(address: VirtualAddress, host: Host, speakers: Sequence[Host]) -> str:
    """INTERFACE stands for the one that has the host's address, which is known on the host only.

    All have the same priority, so that the address stays where it is when one comes back. By unicast: no router and no
    other group on the segment hears it. `member` has no weight: who fails it lets go of the address, as does one that
    was dead and taken out of the cluster. `speakers` are also those that are gone: one that still runs would take the
    address if it heard nobody. Where two have it all the same, the holder's announcements win (garp_master_refresh).
    """
    others = [plane for plane in speakers if plane.name != host.name]
    peers = "".join(f"        {plane.address}\n" for plane in others)
    # One that is alone would speak to all routers by multicast: here to a group that none listens to.
    alone = "" if others else "    vrrp_mcast_group4 239.255.0.112\n"
    unicast = f"    unicast_src_ip {host.address}\n    unicast_peer {{\n{peers}    }}\n" if others else ""
    return f"""\
# gpu-metal
global_defs {{
    router_id {host.name}
    vrrp_version 3
    vrrp_check_unicast_src
    script_user nobody
    enable_script_security
{alone}}}

{_CHECKS.format(port=address.port)}
vrrp_instance gpu-metal {{
    state BACKUP
    interface INTERFACE
    virtual_router_id {address.router_id}
    priority 100
    advert_int 1
    garp_master_refresh {_GARP_REFRESH}
{unicast}    virtual_ipaddress {{
        {address.address}/32 dev INTERFACE
    }}
    track_script {{
        api
        member
    }}
}}
"""
