"""The wheel of pgAdmin's stand-in, and the package index that has it beside the requirement of Orchestra's stand-in."""

import base64
import hashlib
import io
import zipfile
from functools import cache
from pathlib import Path

from lab.tools import wheels

HERE = Path(__file__).parent / "pgadmin"
VERSION = "9.18"
NAME = f"pgadmin4-{VERSION}-py3-none-any.whl"
_INFO = f"pgadmin4-{VERSION}.dist-info"
_ENTRIES = """\
[console_scripts]
pgadmin4 = pgadmin4.web:main
pgadmin4-cli = pgadmin4.setup:main
"""


@cache
def content() -> bytes:
    """The wheel: the same bytes whoever makes it."""
    files = {str(path.relative_to(HERE)): path.read_bytes() for path in sorted(HERE.glob("pgadmin4/*.py"))}
    files |= {
        f"{_INFO}/METADATA": f"Metadata-Version: 2.1\nName: pgadmin4\nVersion: {VERSION}\n".encode(),
        f"{_INFO}/WHEEL": b"Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{_INFO}/entry_points.txt": _ENTRIES.encode(),
    }
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{_INFO}/RECORD"] = "\n".join([*lines, f"{_INFO}/RECORD,,", ""]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        for name, data in files.items():
            wheel.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def fill(folder: Path) -> None:
    """Makes folder an index (PEP 503): a page for each project, with the hash of its wheel."""
    [six] = wheels.folder().glob("six-*.whl")
    for name, data in ((NAME, content()), (six.name, six.read_bytes())):
        project = folder / name.partition("-")[0]
        project.mkdir(parents=True)
        (project / name).write_bytes(data)
        link = f'<a href="{name}#sha256={hashlib.sha256(data).hexdigest()}">{name}</a>'
        (project / "index.html").write_text(f"<!DOCTYPE html>\n<html><body>{link}</body></html>\n")


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
