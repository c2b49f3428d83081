"""The images of NVIDIA's GPU Operator in the lab. They only hold a place; that of the device plugin is another part's.

CUDA's image has an nvidia-smi that shows the GPUs which its container was given; the exporter shows one healthy GPU.
"""

from pathlib import Path

from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import KUBERNETES
from lab.tools.debian import unpacked

CUDA = "nvidia/cuda:13.0.1-base-ubuntu24.04"
EXPORTER = "nvidia/k8s/dcgm-exporter:4.6.0-4.8.3-distroless"
_PLACES = (
    "nvidia/gpu-operator:v26.7.0",
    "nvidia/driver:595.91.07",
    "nvidia/k8s/container-toolkit:v1.20.0",
    "nfd/node-feature-discovery:v0.19.0",
)
_SMI = Path(__file__).with_name("nvidia-smi")
_DCGM = Path(__file__).with_name("dcgm-exporter.sh")


def images() -> dict[str, Image]:
    """By the upstream's names, without the registry."""
    busybox = unpacked("busybox-static") / "bin" / "busybox"
    tools = {f"bin/{name}": "busybox" for name in ("sh", "grep", "ls", "sleep", "env")}
    cuda: Image = {**tools, "bin/busybox": busybox, "usr/bin/nvidia-smi": _SMI}, ["/bin/sh"]
    served = {f"bin/{name}": "busybox" for name in ("sh", "cat", "mkdir", "httpd", "sed")}
    dcgm: Image = {**served, "bin/busybox": busybox, "dcgm-exporter.sh": _DCGM}, ["/bin/sh", "/dcgm-exporter.sh"]
    return {
        CUDA: cuda,
        EXPORTER: dcgm,
        **{name: ({"pause": (TOOLS_BIN / "pause").resolve()}, ["/pause"]) for name in _PLACES},
    }


SUPPLY = Supply(images=images, sources=lambda: [Path(__file__), _SMI, _DCGM], keys=(KUBERNETES.key,))
