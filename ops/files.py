"""Writes a file on the operator's machine completely or not at all."""

import os
import tempfile
from pathlib import Path


def write(path: Path, text: str, mode: int) -> None:
    """Writes a private temporary file beside it, sets its mode, then renames it."""
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
