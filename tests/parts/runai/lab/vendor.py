"""A vendor's archive of Run:ai's stand-in, as the vendor's own is laid out: images in tars, charts beside them."""

import hashlib
import shutil
import tarfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lab.depot import oci
from lab.parts.runai import depot
from lab.paths import CACHE
from tools.cache import locked, whole

VERSION = "3.0.0"
FILE = f"runai-airgapped-package-{VERSION}.tar.gz"


def archive() -> Path:
    """The file, made once for all that is in it."""
    content = hashlib.sha256(Path(__file__).read_bytes())
    charts = [chart for chart in depot.charts() if chart.parent.name == VERSION]
    for file in [*depot.sources(), *(file for chart in charts for file in sorted(chart.rglob("*")))]:
        if file.is_file():
            content.update(file.read_bytes())
    with locked():
        return whole(f"vendor-{content.hexdigest()[:16]}", partial(_fill, charts), CACHE / "runai") / FILE


def digest() -> str:
    """Its SHA-256."""
    with archive().open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _fill(charts: Sequence[Path], folder: Path) -> None:
    parts = folder / "parts"
    parts.mkdir()
    images = {name: image for name, image in depot.images().items() if name != depot.MLFLOW}
    for number, (name, (files, entrypoint)) in enumerate(images.items()):
        oci.layout(parts / f"image-{number}", f"nvcr.io/{name}", files, entrypoint, "amd64")
        with tarfile.open(parts / f"image-{number}.tar", "w") as tar:
            tar.add(parts / f"image-{number}", arcname=".")
    for chart in charts:
        with tarfile.open(parts / f"{chart.name}-{VERSION}.tgz", "w:gz") as tar:
            tar.add(chart, arcname=chart.name)
    with tarfile.open(folder / FILE, "w:gz", compresslevel=1) as tar:
        for file in sorted(parts.glob("image-*.tar")):
            tar.add(file, arcname=f"deploy/images/{file.name}")
        for file in sorted(parts.glob(f"*-{VERSION}.tgz")):
            tar.add(file, arcname=f"deploy/chart/{file.name}")
    shutil.rmtree(parts)
