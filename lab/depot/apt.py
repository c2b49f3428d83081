"""The signed apt repository of the lab's own packages: flat, suite `./`."""

import gzip
import hashlib
from pathlib import Path

from lab.depot import debs
from lab.depot.folders import remade
from lab.depot.signing import make_key, sign
from lab.paths import SIGNING_KEY


def publish(site: Path) -> bool:
    """Makes site/apt a signed repository of the current packages; False when it is up to date. Raises LabError."""
    make_key()
    return remade(site / "apt", debs.key() + hashlib.sha256(SIGNING_KEY.read_bytes()).hexdigest(), _fill)


def _fill(folder: Path) -> None:
    for file in debs.repository().iterdir():
        (folder / file.name).symlink_to(file)
    signed(folder)


def signed(folder: Path) -> None:
    """Completes a folder of packages and their index `Packages` to a flat repository that the lab's key has signed."""
    (folder / "Packages.gz").write_bytes(gzip.compress((folder / "Packages").read_bytes(), mtime=0))
    (folder / "key.asc").symlink_to(SIGNING_KEY)
    sign(folder, {"Origin": "gpu-metal lab", "Label": "gpu-metal lab", "Suite": "./"}, ("Packages", "Packages.gz"))
