"""What parts bring into the depot: SUPPLY in lab/parts/NAME/depot.py, found by folder. A new part edits nothing here.

Debian's packages that only this part's hosts install are named in lab/parts/NAME/debian.txt; charts are in
lab/parts/NAME/charts.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lab.depot.deb import Deb
from lab.depot.oci import Files
from tools.cache import TOOLS

Image = tuple[Files, list[str]]
"""Its files and its entry point."""

FOLDER = Path(__file__).parents[1] / "parts"


@dataclass(frozen=True)
class Supply:
    """What one part brings into the depot. A part sets only the fields that it uses."""

    publish: Callable[[Path], bool] | None = None
    """Puts its files into the folder that the depot serves; False when they are there already. Raises LabError."""
    published: str = ""
    """One line for a person, when publish did something."""
    debs: Callable[[], list[Deb]] = list
    """Packages for the lab's own repository."""
    images: Callable[[], dict[str, Image]] = dict
    """Container images for the lab's registry, by name without the registry."""
    charts: Callable[[], list[Path]] = list
    """Folders of charts that are not in lab/parts/NAME/charts."""
    sources: Callable[[], list[Path]] = list
    """The files that these packages and images are made of."""
    keys: tuple[str, ...] = ()
    """Names of the tools in them, as the tools' cache has them. Until these are built the depot leaves the part out."""


def supplies() -> list[Supply]:
    """The supplies of all parts whose tools are built, in the order of their names."""
    return [supply for supply in _all().values() if _built(supply)]


def without() -> list[str]:
    """The names of the parts whose tools are not built yet."""
    return [name for name, supply in _all().items() if not _built(supply)]


def _all() -> dict[str, Supply]:
    found = (file.parent.name for file in sorted(FOLDER.glob("*/depot.py")))
    return {name: import_module(f"lab.parts.{name}.depot").SUPPLY for name in found}


def _built(supply: Supply) -> bool:
    return all((TOOLS / key).exists() for key in supply.keys)


def images() -> dict[str, Image]:
    """The images of all parts, by name without the registry."""
    return {name: image for supply in supplies() for name, image in supply.images().items()}


def key(made: Callable[[Supply], object]) -> str:
    """Changes with everything that changes what parts bring of a kind, such as `lambda supply: supply.debs()`."""
    content = hashlib.sha256()
    for supply in filter(made, supplies()):
        content.update(" ".join(supply.keys).encode())
        for source in supply.sources():
            content.update(source.read_bytes())
    return content.hexdigest()


def debian() -> str:
    """The names of Debian's packages that parts ask for."""
    return "".join(file.read_text() for file in sorted(FOLDER.glob("*/debian.txt")))
