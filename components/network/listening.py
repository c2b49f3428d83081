"""Ports on which the pod network listens. The bridge kind has none: its traffic is forwarded, not for the host."""

from components.host.listening import Listening
from components.network.config import Flannel, Network

_FLANNEL = {"vxlan": (8472,), "udp": (8285,), "wireguard": (51820, 51821)}
"""By backend, UDP; host-gw has none. https://github.com/flannel-io/flannel/blob/master/Documentation/backends.md"""


def listening(network: Network) -> tuple[Listening, ...]:
    """flannel's ports, by the backend that its chart's values name."""
    if not isinstance(network.pods, Flannel):
        return ()
    values = network.pods.values.get("flannel")
    chosen = values if isinstance(values, dict) else {}
    ports = _FLANNEL.get(str(chosen.get("backend", "vxlan")), ())
    ports = (int(chosen["backendPort"]), *ports[1:]) if chosen.get("backendPort") else ports
    key = ("network", "pods")
    return tuple(Listening(f"flannel-{port}", "flannel", str(port), "udp", key=key) for port in ports)
