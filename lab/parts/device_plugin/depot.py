"""The image of NVIDIA's device plugin in the lab: our own program, which offers the emulated GPUs to the kubelet."""

from pathlib import Path

from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import DEVICE_PLUGIN

PROGRAM = "device-plugin"
IMAGE = "nvidia/k8s-device-plugin:v0.20.0"


def images() -> dict[str, Image]:
    """The plugin, under the upstream's name."""
    return {IMAGE: ({f"usr/bin/{PROGRAM}": (TOOLS_BIN / PROGRAM).resolve()}, [f"/usr/bin/{PROGRAM}"])}


SUPPLY = Supply(images=images, sources=lambda: [Path(__file__)], keys=(DEVICE_PLUGIN.key,))
