"""The chart repository: the charts in the folder beside this file, in lab/parts/NAME/charts, and those of supplies."""

import hashlib
from pathlib import Path

from lab.depot import parts
from lab.depot.folders import remade
from lab.hosts.command import run
from lab.paths import TOOLS_BIN

HERE = Path(__file__).parent / "charts"


def publish(site: Path) -> bool:
    """Makes site/charts a repository of the current charts; False when it is up to date. Raises LabError."""
    return remade(site / "charts", _digest(), _fill)


def _fill(folder: Path) -> None:
    helm = str(TOOLS_BIN / "helm")
    for chart in sources():
        run(helm, "package", str(chart), "--destination", str(folder))
    run(helm, "repo", "index", str(folder))


def sources() -> list[Path]:
    """The folder of each chart."""
    brought = [chart for supply in parts.supplies() for chart in supply.charts()]
    return sorted([*HERE.iterdir(), *parts.FOLDER.glob("*/charts/*"), *brought])


def _digest() -> str:
    content = hashlib.sha256()
    for chart in sources():
        for file in sorted(chart.rglob("*")):
            if file.is_file():
                content.update(str(file.relative_to(chart.parent)).encode() + file.read_bytes())
    return content.hexdigest()
