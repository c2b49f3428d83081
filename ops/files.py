"""A file on the operator's machine, written all of it or not at all."""

import os
import tempfile
from pathlib import Path


def write(path: Path, text: str, mode: int) -> None:
    """Beside it first, with nobody else's eyes on it; then its mode, then its name."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink()
        raise
