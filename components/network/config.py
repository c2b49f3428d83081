"""What a site may say of its networks (row K4)."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

import versions
from components.model import Model


class Bridge(Model):
    """Plain CNI for hosts on one layer-2 segment: bridge, host-local, portmap, and a route to each other node."""

    kind: Literal["bridge"] = "bridge"
    """What connects pods."""
    mtu: Annotated[int, Field(ge=576, le=9216)] = 1500
    """Of the pods' interfaces, in bytes."""


class Flannel(Model):
    """flannel as a Helm release."""

    kind: Literal["flannel"] = "flannel"
    """What connects pods."""
    chart: str = "flannel"
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: str | None = versions.FLANNEL_CHART_REPOSITORY
    """Address of the chart repository."""
    version: str = versions.FLANNEL_CHART
    """Exact version of the chart."""
    values: dict[str, object] = {}
    """Values of the chart; podCidr is ours."""


class Network(Model):
    """Pod and service subnets, and what connects pods."""

    pod_subnet: IPv4Network = IPv4Network("10.244.0.0/16")
    """Addresses of pods; a /24 of it for each host."""
    service_subnet: IPv4Network = IPv4Network("10.96.0.0/12")
    """Addresses of services."""
    pods: Annotated[Bridge | Flannel, Field(discriminator="kind")] = Flannel()
    """What connects pods: bridge or flannel."""
