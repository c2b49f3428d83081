"""A package index for pip: a folder for each project, whose page names its wheels with their hashes (PEP 503)."""

import hashlib
import re
from pathlib import Path

from lab.paths import CACHE
from lab.tools import wheels
from tools.cache import whole


def index() -> Path:
    """The cached folder to serve. The wheels must be there."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    return whole(f"simple-{wheels.folder().name}-{recipe}", _fill, CACHE / "depot")


def _fill(folder: Path) -> None:
    for wheel in sorted(wheels.folder().iterdir()):
        project = folder / re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
        project.mkdir()
        (project / wheel.name).symlink_to(wheel)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        link = f'<a href="{wheel.name}#sha256={digest}">{wheel.name}</a>'
        (project / "index.html").write_text(f"<!DOCTYPE html>\n<html><body>{link}</body></html>\n")
