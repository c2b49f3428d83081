"""MetalLB's chart values and objects from a site's settings. Pure."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from components.host.config import Host
from components.kubernetes.kinds import Kinds
from components.parts.load_balancer.config import LoadBalancer
from components.parts.load_balancer.pool import first, ranges
from components.parts.part import Hosts

NAMESPACE = "metallb-system"
"""As MetalLB's documents name it; its speakers need the level privileged there."""
_ANY_TAINT = {"operator": "Exists", "effect": "NoSchedule"}
"""A site of GPU hosts may have a taint on every one of them, and somebody must answer."""
POOL = "site"
"""Name of the pool and of its announcement."""
KINDS = Kinds("metallb.io", "write loadBalancer: {kind: external, pool: RANGE} under network, if others run MetalLB")


def segment(config: LoadBalancer) -> IPv4Network:
    """The layer-2 network of the pool."""
    return config.segment or IPv4Network((first(config.pool), 24), strict=False)


def members(hosts: Hosts) -> list[Host]:
    """The hosts that are in the cluster."""
    return [host for host in hosts.values() if host.state != "gone" and host.roles]


def speakers(config: LoadBalancer, hosts: Hosts) -> list[Host]:
    """The hosts that can answer for the pool at layer 2: their own address is in its segment."""
    return [host for host in members(hosts) if host.address in segment(config)]


def answering(config: LoadBalancer, hosts: Hosts) -> list[Host]:
    """Those of them that do: kubeadm gives control planes a label that keeps MetalLB off them. It is heeded where other
    hosts can answer."""
    able = members(hosts) if config.bgp else speakers(config, hosts)
    return [host for host in able if "control-plane" not in host.roles] or able


def values(config: LoadBalancer, hosts: Hosts) -> dict[str, Any]:
    """The chart's values that this project decides; `values` of the site go around them."""
    only_planes = all("control-plane" in host.roles for host in answering(config, hosts))
    return {
        "crds": {"enabled": True},
        "frrk8s": {"enabled": config.bgp is not None},
        "speaker": {"frr": {"enabled": False}, "ignoreExcludeLB": only_planes, "tolerations": [_ANY_TAINT]},
    }


def pool(config: LoadBalancer) -> dict[str, Any]:
    """`spec` of the IPAddressPool."""
    return {"addresses": [str(each) for each in ranges(config.pool)], "autoAssign": True, "avoidBuggyIPs": True}


def layer2(config: LoadBalancer, hosts: Hosts) -> dict[str, Any]:
    """`spec` of the L2Advertisement. It names the nodes if some are elsewhere: one of those could answer for nobody."""
    able = [host.name for host in speakers(config, hosts)]
    chosen = [{"matchLabels": {"kubernetes.io/hostname": name}} for name in able]
    return {
        "ipAddressPools": [POOL],
        **({"interfaces": list(config.interfaces)} if config.interfaces else {}),
        **({"nodeSelectors": chosen} if len(able) < len(members(hosts)) else {}),
    }


def advertisement(config: LoadBalancer) -> dict[str, Any]:
    """`spec` of the BGPAdvertisement."""
    communities = list(config.bgp.communities) if config.bgp else []
    return {"ipAddressPools": [POOL], **({"communities": communities} if communities else {})}


def peers(config: LoadBalancer) -> Mapping[str, dict[str, Any]]:
    """`spec` of each BGPPeer, by name."""
    if config.bgp is None:
        return {}
    return {
        name: {
            "myASN": config.bgp.asn,
            "peerASN": peer.asn,
            "peerAddress": str(peer.address),
            "peerPort": peer.port,
            **({"ebgpMultiHop": True} if peer.multihop else {}),
            **({"passwordSecret": {"name": secret_of(name), "namespace": NAMESPACE}} if peer.password_secret else {}),
        }
        for name, peer in config.bgp.peers.items()
    }


def secret_of(peer: str) -> str:
    """Name of the Secret with a peer's password."""
    return f"peer-{peer}"
