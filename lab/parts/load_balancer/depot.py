"""MetalLB in the lab: its own programs and its own chart, both from its Go module."""

import shutil
from pathlib import Path

from lab.depot.parts import Image, Supply
from lab.paths import TOOLS_BIN
from lab.tools.catalogue import METALLB
from tools.cache import whole
from tools.gobuild import module_folder

VERSION = METALLB.version
_PROGRAMS = ("controller", "speaker")


def images() -> dict[str, Image]:
    """One program each, as upstream's images have them."""
    return {f"metallb/{name}:v{VERSION}": ({name: (TOOLS_BIN / name).resolve()}, [f"/{name}"]) for name in _PROGRAMS}


def charts() -> list[Path]:
    """The chart, with its charts of CRDs and of FRR."""
    return [whole(f"chart-{METALLB.key}", _copy) / "metallb"]


def _copy(folder: Path) -> None:
    chart = module_folder(METALLB) / "charts" / "metallb"
    shutil.copytree(chart, folder / "metallb", copy_function=shutil.copyfile)


SUPPLY = Supply(images=images, charts=charts, keys=(METALLB.key,))
