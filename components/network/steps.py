"""The pod network of a host as steps, and of the cluster as chart values. Pure."""

from pathlib import Path
from typing import Any

from components.host.config import Host
from components.hostrun.step import Step
from components.network.config import Bridge, Flannel, Network

_HERE = Path(__file__).parent
_STEPS = _HERE / "steps"
_FILES = {"bridge": "10-gpu-metal.conflist", "flannel": "10-flannel.conflist"}
"""The CNI configuration that each kind of pod network puts into /etc/cni/net.d; flannel's chart has its name."""


def pod_network(host: Host, network: Network) -> list[Step]:
    """On every host, before it becomes a member: no other network comes first; and ours, unless a chart provides it."""
    first = Step(_STEPS / "network_first.sh", {"file": _FILES[network.pods.kind]})
    if not isinstance(network.pods, Bridge):
        return [first, *_mtu(host, network)]
    return [
        first,
        *_mtu(host, network),
        Step(
            _STEPS / "pod_network.sh",
            {"node": host.name, "pod_subnet": str(network.pod_subnet), "mtu": str(network.pods.mtu)},
            {"agent": (_HERE / "agent.sh").read_text()},
        ),
    ]


def _mtu(host: Host, network: Network) -> list[Step]:
    """Not where flannel takes each host's own."""
    if not network.pods.mtu:
        return []
    inputs = {"address": str(host.address), "mtu": str(network.pods.mtu), "key": "network.pods.mtu"}
    return [Step(_STEPS / "pod_mtu.sh", inputs)]


def cluster(network: Network) -> list[Step]:
    """On the first control plane, after it is a member: the rights that the pod network on the hosts needs."""
    return [Step(_STEPS / "node_readers.sh")] if isinstance(network.pods, Bridge) else []


def flannel_values(network: Network) -> dict[str, Any]:
    """Values of flannel's chart: the site's `values`, with the cluster's pod subnet."""
    pods = network.pods
    if not isinstance(pods, Flannel):
        raise TypeError(f"the pod network is {pods.kind}, not flannel")
    own = pods.values.get("flannel")
    mtu = {"flannel": {**(own if isinstance(own, dict) else {}), "mtu": pods.mtu}} if pods.mtu else {}
    return {**pods.values, **mtu, "podCidr": str(network.pod_subnet)}
