"""The images of NVIDIA's Network Operator in the lab, as its stand-in chart names them. They only hold a place."""

from pathlib import Path

from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import KUBERNETES

_PLACES = (
    "nvidia/cloud-native/network-operator:v26.4.1",
    "nvidia/mellanox/node-feature-discovery:network-operator-v26.4.1",
    "nvidia/mellanox/sriov-network-operator:network-operator-v26.4.1",
)


def images() -> dict[str, Image]:
    """By the upstream's names, without the registry."""
    return {name: ({"pause": (TOOLS_BIN / "pause").resolve()}, ["/pause"]) for name in _PLACES}


SUPPLY = Supply(images=images, sources=lambda: [Path(__file__)], keys=(KUBERNETES.key,))
