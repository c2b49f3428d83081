"""What a site may say of the GPU Operator (rows O1, O2, O4 to O6)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from components.forms import form
from components.gpu.config import DriverVersion, Module
from components.gpu.pods import Pool, Smoke
from components.kubernetes.config import not_images
from components.local import TextFile
from components.model import LabelName, Model, Word
from components.parts.gpu_operator import versions
from components.rule import Rule
from components.url import ChartUrl

ChartVersion = Annotated[
    str, form(r"^v[0-9]+\.[0-9]+\.[0-9]+$", 'is not a version of the chart: v and three numbers, such as "v26.7.0".')
]
FileName = Annotated[
    str,
    form(
        r"^[A-Za-z0-9][A-Za-z0-9_.-]*\.(list|sources|repo)$",
        "is not the name of a file such as site.list or site.repo.",
    ),
]
Profile = Annotated[
    str,
    form(r"^[1-7]g\.[0-9]+gb(\+me)?$", 'is not a profile of MIG, such as "1g.10gb": nvidia-smi mig -lgip shows them.'),
]


class GpuPool(Pool):
    """Hosts whose GPUs are divided and shared in the same way."""

    mig: dict[Profile, Annotated[int, Field(ge=1)]] | None = None
    """MIG profile → how many instances of it each GPU is divided into (O5); unset leaves GPUs whole."""


class OperatorDriver(Model):
    """The driver in a container, for hosts with `gpu.driver: operator` (O1)."""

    version: DriverVersion | None = None
    """The exact version; default: the chart's."""
    module: Module = "auto"
    """The kernel module's kind."""
    sources: dict[FileName, TextFile] = {}
    """Package sources for the container, which builds the module, in sites without internet: name of a file for apt
    (.list, .sources) or dnf (.repo) → the file on the operator's machine."""


class Dcgm(Model):
    """Measurements of the GPUs, by the DCGM exporter (O1)."""

    enabled: bool = True
    """Whether the exporter runs."""
    service_monitor: bool | None = None
    """Whether the Prometheus Operator is told to scrape it. Default: if the site has `monitoring`, which true needs."""


class GpuOperator(Model):
    """NVIDIA's GPU Operator: brings GPUs to pods, with all that this needs on the nodes."""

    chart: str = versions.CHART
    """A chart name in `repository`; with a slash in it, a path or an oci:// address, which needs no repository."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: ChartVersion = versions.VERSION
    """Exact version of the chart (O1)."""
    images: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of a mirror that has every image of the chart at its own path, such as nvidia/gpu-operator (O1).
    Default: the vendors' registries, or the engine's mirrors of them."""
    toolkit: bool | None = None
    """Whether the operator installs the container toolkit and sets up containerd for it. Default: it does if no host
    has `gpu.toolkit`: containerd's settings have one owner (O1, C5)."""
    cdi: bool = True
    """Containers get their GPUs by CDI, and keep them over a daemon-reload."""
    nri: bool = False
    """CDI by a plugin of containerd's NRI, so that containerd's runtimes are left alone."""
    driver: OperatorDriver | None = None
    """The driver in a container; which hosts have it, their `gpu.driver: operator` says."""
    nfd: bool = True
    """false: Node Feature Discovery is in the cluster already (O2)."""
    psa: bool = False
    """true: the operator writes Pod Security labels on its namespace, which has them from here already."""
    dcgm: Dcgm = Dcgm()
    """Measurements of the GPUs."""
    mig_strategy: Literal["none", "single", "mixed"] = "single"
    """How MIG instances are offered: single, as nvidia.com/gpu; mixed, by their profile (O5)."""
    pools: dict[LabelName, GpuPool] = {}
    """Hosts whose GPUs are divided (MIG) or shared (time-slicing, MPS); other hosts offer whole GPUs."""
    without_operands: tuple[Word, ...] = ()
    """Names of hosts or groups whose GPUs are not for pods (label nvidia.com/gpu.deploy.operands=false)."""
    dra: bool = False
    """true: pods claim GPUs by Dynamic Resource Allocation, in place of nvidia.com/gpu (O6). Experimental upstream."""
    smoke: Smoke | None = None
    """A pod that proves that pods get GPUs (O4); without it, none is run."""
    values: dict[str, Any] = {}
    """More values of the chart (O1). Those that the keys above decide are refused."""
