"""The ingress's address and chart values from a site's settings. Pure."""

from ipaddress import IPv4Address
from typing import Any

from components.parts.ingress.config import Ingress
from components.parts.load_balancer.config import LoadBalancer
from components.parts.load_balancer.pool import first
from components.parts.part import Ground, Hosts

NAMESPACE = "haproxy-controller"
RELEASE = "haproxy-kubernetes-ingress"
"""Also the name of its Service and Deployment."""
CLASS = "haproxy"
CERTIFICATE = "site-certificate"
"""The Secret with the site's certificate."""
ISSUED = "issued-certificate"
"""The Secret with one that cert-manager gets: another one, so that a change of ways leaves no gap."""
PROBED = "gpu-metal-check"
"""A name under the domain that nobody has: only the wildcard answers for it."""


def address(config: Ingress, ground: Ground) -> IPv4Address | None:
    """Where it answers; None at nodes' ports, or without a load balancer."""
    balancer = ground.config(LoadBalancer)
    if config.expose == "nodePort" or balancer is None:
        return None
    return config.address or first(balancer.pool)


def answers_at(config: Ingress, ground: Ground) -> tuple[list[str], int]:
    """The addresses at which it may be found, and its HTTPS port there."""
    own = address(config, ground)
    return ([str(own)], 443) if own else (_nodes(ground.hosts), config.node_ports.https)


def _nodes(hosts: Hosts) -> list[str]:
    return [str(host.address) for host in hosts.values() if host.state != "gone" and host.roles]


def issued(config: Ingress, ground: Ground) -> dict[str, Any]:
    """`spec` of the Certificate that cert-manager is to get."""
    name = config.issuer.name if config.issuer else ""
    return {
        "secretName": ISSUED,
        "dnsNames": [f"*.{ground.domain}", ground.domain],
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": name},
        "privateKey": {"rotationPolicy": "Always"},
    }


def values(config: Ingress, ground: Ground) -> dict[str, Any]:
    """The chart's values that this project decides; `values` of the site go around them."""
    own = address(config, ground)
    ports = {"http": config.node_ports.http, "https": config.node_ports.https}
    service = {"type": "LoadBalancer", "loadBalancerIP": str(own)} if own else {"type": "NodePort", "nodePorts": ports}
    # The address is open to all: its statistics and its admin port are not for them.
    shown = {"http": True, "https": True, "quic": False, "stat": False, "admin": False}
    return {
        "controller": {
            "replicaCount": config.replicas,
            "ingressClass": CLASS,
            "ingressClassResource": {"name": CLASS, "default": True},
            "defaultTLSSecret": {
                "enabled": True,
                "secretNamespace": NAMESPACE,
                "secret": ISSUED if config.issuer else CERTIFICATE,
            },
            "service": {**service, "enablePorts": shown},
        }
    }
