"""Config of the cluster's networks (row K4)."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

import versions
from components.host.addresses import Subnet
from components.model import Model
from components.url import ChartUrl

Mtu = Annotated[int, Field(ge=576, le=9216)]


class Bridge(Model):
    """Plain CNI for hosts on one layer-2 segment: bridge, host-local, portmap, and a route to each other node."""

    kind: Literal["bridge"] = "bridge"
    """The kind of pod network."""
    mtu: Mtu = 1500
    """MTU of the pods' interfaces, in bytes. No host's link may have a smaller one."""


class Flannel(Model):
    """flannel as a Helm release."""

    kind: Literal["flannel"] = "flannel"
    """The kind of pod network."""
    chart: str = "flannel"
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: ChartUrl | None = versions.FLANNEL_CHART_REPOSITORY
    """Address of the chart repository."""
    version: str = versions.FLANNEL_CHART
    """Exact version of the chart."""
    mtu: Mtu | None = None
    """MTU of the packets between hosts, in bytes; pods have what the backend leaves of it (vxlan: 50 less). Default:
    that of each host's link."""
    values: dict[str, object] = {}
    """Values of the chart; podCidr is set to podSubnet, and flannel.mtu to `mtu`."""


class Network(Model):
    """Pod and service subnets, and the pod network."""

    pod_subnet: Subnet = IPv4Network("10.244.0.0/16")
    """Addresses of pods; a /24 of it for each host."""
    service_subnet: Subnet = IPv4Network("10.96.0.0/12")
    """Addresses of services."""
    pods: Annotated[Bridge | Flannel, Field(discriminator="kind")] = Flannel()
    """The pod network: bridge or flannel."""


def by_flannel(pods: Bridge | Flannel) -> bool:
    """Whether flannel's chart brings an agent that enforces NetworkPolicies."""
    own = pods.values.get("netpol") if isinstance(pods, Flannel) else None
    return isinstance(own, dict) and own.get("enabled") is True
