"""What a site may say of its networks (row K4)."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

import versions
from components.model import Model


class Bridge(Model):
    """Plain CNI for hosts on one layer-2 segment: bridge, host-local, portmap, and a route to each other node."""

    kind: Literal["bridge"] = "bridge"
    mtu: Annotated[int, Field(ge=576, le=9216)] = 1500


class Flannel(Model):
    """flannel as a Helm release."""

    kind: Literal["flannel"] = "flannel"
    chart: str = "flannel"
    """A chart name in `repository`, a path, or an oci:// address."""
    repository: str | None = versions.FLANNEL_CHART_REPOSITORY
    version: str = versions.FLANNEL_CHART
    values: dict[str, object] = {}


class Network(Model):
    """Pod and service subnets, and what connects pods."""

    pod_subnet: IPv4Network = IPv4Network("10.244.0.0/16")
    service_subnet: IPv4Network = IPv4Network("10.96.0.0/12")
    pods: Annotated[Bridge | Flannel, Field(discriminator="kind")] = Flannel()
