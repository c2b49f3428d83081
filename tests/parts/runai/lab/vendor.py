"""A vendor's archive of Run:ai's stand-in, as the vendor's own is laid out: images in tars, charts beside them."""

import hashlib
import tarfile
from pathlib import Path

from lab.depot import oci
from lab.parts.runai import depot

VERSION = "3.0.0"
FILE = f"runai-airgapped-package-{VERSION}.tar.gz"


def archive(folder: Path) -> tuple[Path, str]:
    """Writes it; returns the file, and its SHA-256."""
    images = {name: image for name, image in depot.images().items() if name != depot.MLFLOW}
    for number, (name, (files, entrypoint)) in enumerate(images.items()):
        oci.layout(folder / f"image-{number}", f"nvcr.io/{name}", files, entrypoint, "amd64")
        with tarfile.open(folder / f"image-{number}.tar", "w") as tar:
            tar.add(folder / f"image-{number}", arcname=".")
    for chart in depot.charts():
        if chart.parent.name == VERSION:
            with tarfile.open(folder / f"{chart.name}-{VERSION}.tgz", "w:gz") as tar:
                tar.add(chart, arcname=chart.name)
    whole = folder / FILE
    with tarfile.open(whole, "w:gz", compresslevel=1) as tar:
        for file in sorted(folder.glob("image-*.tar")):
            tar.add(file, arcname=f"deploy/images/{file.name}")
        for file in sorted(folder.glob(f"*-{VERSION}.tgz")):
            tar.add(file, arcname=f"deploy/chart/{file.name}")
    with whole.open("rb") as content:
        return whole, hashlib.file_digest(content, "sha256").hexdigest()
