"""The signed apt repository of the lab's own packages: flat, suite `./`."""

import gzip
import hashlib
import shutil
from pathlib import Path

from lab.depot import debs
from lab.depot.signing import make_key, sign
from lab.paths import SIGNING_KEY


def publish(site: Path) -> bool:
    """Makes site/apt the repository of the present packages, signed; False when it is that already. Raises LabError."""
    make_key()
    target = site / "apt"
    stamp = target / ".of"
    of = debs.key() + hashlib.sha256(SIGNING_KEY.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == of:
        return False
    packages = debs.repository()
    new = site / ".apt"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for file in packages.iterdir():
        (new / file.name).symlink_to(file)
    (new / "Packages.gz").write_bytes(gzip.compress((new / "Packages").read_bytes(), mtime=0))
    (new / "key.asc").symlink_to(SIGNING_KEY)
    sign(new, {"Origin": "gpu-metal lab", "Label": "gpu-metal lab", "Suite": "./"}, ("Packages", "Packages.gz"))
    (new / ".of").write_text(of)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    return True
