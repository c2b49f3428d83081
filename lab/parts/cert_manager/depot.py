"""The images of cert-manager in the lab, as its stand-in chart names them. They only hold a place."""

from pathlib import Path

from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import KUBERNETES

_PLACES = tuple(f"jetstack/cert-manager-{name}:v1.21.1" for name in ("controller", "cainjector", "webhook"))


def images() -> dict[str, Image]:
    """By the upstream's names, without the registry."""
    return {name: ({"pause": (TOOLS_BIN / "pause").resolve()}, ["/pause"]) for name in _PLACES}


SUPPLY = Supply(images=images, sources=lambda: [Path(__file__)], keys=(KUBERNETES.key,))
