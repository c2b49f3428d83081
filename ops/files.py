"""Writes a file on the operator's machine completely or not at all."""

import os
import tempfile
from pathlib import Path


def write(path: Path, text: str, mode: int) -> None:
    """Writes a private temporary file beside it, sets its mode, then renames it."""
    _write(path, text.encode(), mode, None)


def replace(path: Path, content: bytes) -> None:
    """The same for a file that is there: its mode, its owner and a link to it stay."""
    path = path.resolve()
    now = path.stat()
    _write(path, content, now.st_mode & 0o7777, (now.st_uid, now.st_gid))


def _write(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            made = os.fstat(file.fileno())
            if owner and owner != (made.st_uid, made.st_gid):
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink()
        raise
