"""For Orchestra: its stand-in's source, a tarball whose checksum sites name, and a package index for pip."""

import gzip
import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from lab.depot.folders import remade
from lab.depot.parts import Supply
from lab.hosts.inventory import GATEWAY, WEB_PORT
from lab.parts.orchestra import wheel
from lab.tools import wheels

HERE = Path(__file__).parent / "source"
FILE = "orchestra-lab.tar.gz"
URL = f"http://{GATEWAY}:{WEB_PORT}/orchestra/{FILE}"
INDEX = f"http://{GATEWAY}:{WEB_PORT}/orchestra/simple/"
"""The package index of both stand-ins."""


@cache
def content() -> bytes:
    """The tarball: the same bytes whoever makes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(p for p in HERE.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            entry = tarfile.TarInfo(str(Path("orchestra-lab") / path.relative_to(HERE)))
            entry.mode, entry.size = 0o644, path.stat().st_size
            tar.addfile(entry, io.BytesIO(path.read_bytes()))
    return gzip.compress(out.getvalue(), mtime=0)


def sha256() -> str:
    """Its checksum."""
    return hashlib.sha256(content()).hexdigest()


def publish(site: Path) -> bool:
    """Makes site/orchestra the folder of tarball and index; False when it is that already."""
    of = f"{sha256()} {hashlib.sha256(wheel.content()).hexdigest()} {wheels.folder().name}"
    return remade(site / "orchestra", of, _fill)


def _fill(folder: Path) -> None:
    (folder / FILE).write_bytes(content())
    wheel.fill(folder / "simple")


SUPPLY = Supply(publish, "stand-ins of Orchestra and pgAdmin published")
