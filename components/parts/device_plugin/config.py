"""What a site may say of NVIDIA's device plugin (rows O3, O4, O6)."""

from typing import Annotated, Any, Literal

from components.forms import form
from components.gpu.pods import Pool, Smoke
from components.kubernetes.config import not_images
from components.model import LabelName, Model
from components.parts.device_plugin import versions
from components.rule import Rule
from components.url import ChartUrl

ChartVersion = Annotated[
    str, form(r"^[0-9]+\.[0-9]+\.[0-9]+$", 'is not a version of the chart: three numbers, such as "0.20.0".')
]


class DevicePlugin(Model):
    """NVIDIA's device plugin alone, the lighter way to bring GPUs to pods: hosts have the driver and the toolkit."""

    chart: str = versions.CHART
    """A chart name in `repository`; with a slash in it, a path or an oci:// address, which needs no repository."""
    repository: ChartUrl = versions.REPOSITORY
    """Address of the chart repository."""
    version: ChartVersion = versions.VERSION
    """Exact version of the chart (O3)."""
    images: Annotated[str, Rule(not_images)] | None = None
    """HOST:PORT/PATH of a mirror that has the chart's images at their own path, such as nvidia/k8s-device-plugin.
    Default: the vendors' registries, or the engine's mirrors of them."""
    strategy: Literal["auto", "envvar", "volume-mounts", "cdi-annotations", "cdi-cri"] = "auto"
    """How containers are told their GPUs (O3). auto: cdi-cri if all hosts have `gpu.toolkit.mode: cdi`, else envvar, by
    which a container that asks for no GPU may still see all: it needs only NVIDIA_VISIBLE_DEVICES."""
    gpu_feature_discovery: bool = False
    """Labels nodes with model, memory and driver; brings Node Feature Discovery."""
    mig_strategy: Literal["none", "single", "mixed"] = "none"
    """How MIG instances, which somebody else has made, are offered: single, as nvidia.com/gpu; mixed, by profile."""
    pools: dict[LabelName, Pool] = {}
    """Hosts whose GPUs are shared by time-slicing or MPS; other hosts offer whole GPUs."""
    smoke: Smoke | None = None
    """A pod that proves that pods get GPUs (O4); without it, none is run."""
    values: dict[str, Any] = {}
    """More values of the chart. Those that the keys above decide are refused."""
