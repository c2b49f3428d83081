"""What a site may say of NVIDIA's Network Operator (row L3)."""

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from components.forms import form
from components.kubernetes.config import not_images
from components.local import TextFile
from components.model import LabelName, Model, Version, Word
from components.parts.gpu_operator.config import FileName
from components.parts.load_balancer.config import Interface
from components.parts.network_operator import versions
from components.rule import Rule
from components.url import ChartUrl

PoolName = Annotated[
    str,
    form(
        r"^[a-z]([a-z0-9_]{0,29}[a-z0-9])?$",
        "is not the name of a pool: lower-case letters, digits and '_', of which it is the resource that pods ask for.",
    ),
]
DriverTag = Annotated[
    str,
    form(
        r"^[a-z0-9][a-z0-9.]*(-[0-9][0-9.]*)+$",
        'is not a version of the DOCA-OFED driver, such as "doca3.4.1-26.04-1.1.0.0-1".',
    ),
]
Mtu = Annotated[int, Field(ge=576, le=9978)]
Interfaces = Annotated[tuple[Interface, ...], Field(min_length=1)]


class Driver(Model):
    """The DOCA-OFED driver in a container on every host of `hosts`, in place of the hosts' own (L3)."""

    version: DriverTag = versions.DOCA_DRIVER
    """Its version, without system and architecture."""
    sources: dict[FileName, TextFile] = {}
    """Package sources for the container, which builds the module, in sites without internet: name of a file for apt
    (.list, .sources) or dnf (.repo) → the file on the operator's machine."""
    drain: bool = True
    """Whether a node is drained before its driver is changed; pods' emptyDir volumes are lost with the pods."""
    parallel: Annotated[int, Field(ge=1, le=64)] = 1
    """How many nodes change their driver at once."""


class Shared(Model):
    """Network cards that many pods share: `rdma/NAME` (L3)."""

    kind: Literal["shared"]
    """RDMA shared device plugin."""
    interfaces: Interfaces
    """Names of the cards' interfaces, the same on every host of `hosts`."""
    pods: Annotated[int, Field(ge=1, le=1000)] = 63
    """How many pods of a node may have them at once."""


class Whole(Model):
    """Network cards of which a pod gets one as a whole: `nvidia.com/NAME` (L3). The host loses it meanwhile."""

    kind: Literal["host-device"]
    """SR-IOV device plugin, with physical functions."""
    interfaces: Interfaces
    """Names of the cards' interfaces, the same on every host of `hosts`."""


class Sriov(Model):
    """Network cards divided into virtual functions, of which a pod gets one: `nvidia.com/NAME` (L3)."""

    kind: Literal["sriov"]
    """SR-IOV Network Operator: it drains a node while it makes the functions."""
    interfaces: Interfaces
    """Names of the cards' interfaces, the same on every host of `hosts`."""
    functions: Annotated[int, Field(ge=1, le=127)]
    """How many virtual functions each card has."""
    link: Literal["ethernet", "infiniband"] = "ethernet"
    """The cards' kind of link."""
    mtu: Mtu | None = None
    """MTU of the functions; unset leaves the card's."""


class _Network(Model):
    namespace: LabelName = "default"
    """Where its NetworkAttachmentDefinition is: default, or a project. Pods elsewhere write NAMESPACE/NAME."""
    subnet: IPv4Network
    """Addresses of the pods' interfaces. No host and no other machine of that network has one of them."""
    per_node: Annotated[int, Field(ge=1)] = 16
    """How many of them each host gets for its pods."""
    gateway: IPv4Address | None = None
    """A router of that network; no pod gets its address."""


class Macvlan(_Network):
    """An interface of the pod's own on an Ethernet card that the host keeps (L3)."""

    kind: Literal["macvlan"]
    """The CNI plugin macvlan."""
    interface: Interface
    """The card's interface, most often one of a shared pool."""
    mode: Literal["bridge", "private", "vepa", "passthru"] = "bridge"
    """How pods of one card reach each other."""
    mtu: Mtu | None = None
    """MTU of the pods' interfaces; unset leaves the card's."""


class Ipoib(_Network):
    """An interface of the pod's own on an InfiniBand card that the host keeps (L3)."""

    kind: Literal["ipoib"]
    """The CNI plugin for IP over InfiniBand."""
    interface: Interface
    """The card's interface, most often one of a shared pool."""


class OfPool(_Network):
    """An interface that pods get from a pool of kind host-device or sriov (L3)."""

    kind: Literal["pool"]
    """The pool's kind decides the CNI plugin."""
    pool: str
    """Name of the pool."""


Pool = Annotated[Shared | Whole | Sriov, Field(discriminator="kind")]
Network = Annotated[Macvlan | Ipoib | OfPool, Field(discriminator="kind")]


class NetworkOperator(Model):
    """NVIDIA's Network Operator: RDMA for pods, and networks of their own beside the pod network."""

    within: ClassVar[str] = "network"
    """The object of the site in which its key stands."""
    chart: str = versions.CHART
    """A chart name in `repository`; with a slash in it, a path or an oci:// address, which needs no repository."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: Version = versions.VERSION
    """Exact version of the chart (L3)."""
    images: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of a mirror that has every image of the release at its own path, such as
    nvidia/mellanox/multus-cni (L3). Default: the vendors' registries, or the engine's mirrors of them."""
    hosts: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Names of the hosts or groups that have NVIDIA's network cards (L3)."""
    driver: Driver | None = None
    """The DOCA-OFED driver in a container. Without it hosts have their own: the kernel's, or one that you installed."""
    nfd: bool | None = None
    """Whether it brings Node Feature Discovery, of which a cluster has one. Default: it does if the site has no
    gpuOperator, which brings one too (L3)."""
    pools: Annotated[dict[PoolName, Pool], Field(min_length=1)]
    """Cards by what pods ask for: `shared`, `host-device` or `sriov` (L3)."""
    networks: dict[LabelName, Network] = {}
    """Networks that pods join beside the pod network, by Multus (L3)."""
    gpu_direct: Literal["off", "dmabuf", "peermem"] = "off"
    """GPUDirect RDMA (L3): between network card and GPU by DMA-BUF, or by the older module nvidia-peermem, which needs
    the GPU Operator's driver. off checks nothing."""
    policy: dict[str, Any] = {}
    """More of the NicClusterPolicy's spec. What the keys above decide is refused."""
    values: dict[str, Any] = {}
    """More values of the chart. Those that the keys above decide are refused."""
