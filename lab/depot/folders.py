"""The folders that the depot serves."""

import shutil
from collections.abc import Callable
from pathlib import Path


def remade(target: Path, of: str, fill: Callable[[Path], None]) -> bool:
    """Fills a folder anew, unless it was made `of` the same; replaces it only when complete. True when it was made."""
    stamp = target / ".of"
    if stamp.exists() and stamp.read_text() == of:
        return False
    new = target.with_name(f".{target.name}")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    fill(new)
    (new / ".of").write_text(of)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    return True
