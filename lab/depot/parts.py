"""What parts bring into the depot: SUPPLY in lab/parts/NAME/depot.py, found by folder. A new part edits nothing here.

Debian's packages that only this part's hosts install are named in lab/parts/NAME/debian.txt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from lab.depot.deb import Deb

FOLDER = Path(__file__).parents[1] / "parts"


@dataclass(frozen=True)
class Supply:
    """What one part brings into the depot. A part leaves out what it has none of."""

    publish: Callable[[Path], bool] | None = None
    """Puts its files into the folder that the depot serves; False when they are there already. Raises LabError."""
    published: str = ""
    """One line for a person, when publish did something."""
    debs: Callable[[], list[Deb]] = list
    """Packages for the lab's own repository."""
    sources: Callable[[], list[Path]] = list
    """The files that these packages are made of."""
    keys: tuple[str, ...] = ()
    """Versions of the programs in them, as the tools' cache has them."""
    programs: tuple[str, ...] = ()
    """Programs that it needs among the lab's tools."""


def supplies() -> list[Supply]:
    """Of all parts, in the order of their names."""
    return [import_module(f"lab.parts.{file.parent.name}.depot").SUPPLY for file in sorted(FOLDER.glob("*/depot.py"))]


def debian() -> str:
    """The names of Debian's packages that parts ask for."""
    return "".join(file.read_text() for file in sorted(FOLDER.glob("*/debian.txt")))
