"""The source of Orchestra's stand-in: a tarball, served by the depot; sites name its checksum."""

import gzip
import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from lab.depot.folders import remade
from lab.depot.parts import Supply
from lab.hosts.inventory import GATEWAY, WEB_PORT

HERE = Path(__file__).parent / "source"
FILE = "orchestra-lab.tar.gz"
URL = f"http://{GATEWAY}:{WEB_PORT}/orchestra/{FILE}"
INDEX = f"http://{GATEWAY}:{WEB_PORT}/simple/"
"""The package index that lab/parts/shifter publishes; it has the stand-in's one requirement."""


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
    """Makes site/orchestra the folder of the tarball; False when it is that already."""
    return remade(site / "orchestra", sha256(), _fill)


def _fill(folder: Path) -> None:
    (folder / FILE).write_bytes(content())


SUPPLY = Supply(publish, "Orchestra's stand-in published")
