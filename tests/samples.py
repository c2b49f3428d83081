"""The site files that tests walk: those of tests/sites, and each part's own, found by folder."""

from dataclasses import dataclass
from pathlib import Path

from components.registry import REGISTERED

ROOT = Path(__file__).parents[1]
SITES = ROOT / "tests" / "sites"
PARTS = ROOT / "tests" / "parts"
UPSTREAM = ROOT.parent / "shared" / "upstream"
"""Upstream charts' values files; they are not a part of this repository."""


@dataclass(frozen=True)
class Sample:
    """A site file and what lies beside it."""

    name: str
    file: Path
    files: Path
    """Folder of the files that it names as files/…; may be absent."""
    golden: Path
    """Its plan, of a good one."""


def bad() -> list[Sample]:
    """Sites with a fault; the messages that they must get stand at their foot."""
    own = [Sample(file.stem, file, SITES / "good/files", Path()) for file in sorted((SITES / "bad").glob("*.yaml"))]
    return own + [_of_part(file) for file in sorted(PARTS.glob("*/bad/*.yaml")) if _reachable(file.parents[1])]


def good() -> list[Sample]:
    """Sites without a fault, for tests only."""
    golden, files = ROOT / "tests/golden", SITES / "good/files"
    own = [Sample(file.stem, file, files, golden / f"{file.stem}.txt") for file in sorted(SITES.glob("good/*.yaml"))]
    return own + [_of_part(file) for file in sorted(PARTS.glob("*/good/*.yaml")) if _reachable(file.parents[1])]


def shown() -> list[Sample]:
    """Sites that people start from: the lab's own, and the sample of each part."""
    dev = Sample("dev", ROOT / "Pulumi.dev.yaml", SITES / "good/files", ROOT / "tests/golden/dev.txt")
    parts = sorted((ROOT / "components").glob("*/*/sample.yaml"))
    return [
        dev,
        *(_of_part(file, PARTS / file.parent.name, file.parent.name) for file in parts if _reachable(file.parent)),
    ]


def _reachable(part: Path) -> bool:
    """Whether a site may have the part: one that is not whole yet has no line in the registry."""
    return part.name in {each.kind for each in REGISTERED}


def _of_part(file: Path, part: Path | None = None, name: str = "") -> Sample:
    part = part or file.parents[1]
    name = name or f"{part.name}-{file.stem}"
    return Sample(name, file, part / "good/files", part / "golden" / f"{file.stem}.txt")
