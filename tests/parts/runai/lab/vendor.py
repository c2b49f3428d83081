"""A vendor's archive of Run:ai's stand-in, as the vendor's own is laid out: images in tars, charts beside them."""

import hashlib
import shutil
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from lab.depot import oci
from lab.parts.runai import depot
from lab.paths import CACHE
from tools.cache import locked, whole

VERSION, NEXT = "3.0.0", "3.0.1"
"""A release that the lab's depot has, too, and one that comes after it."""


def name(version: str = VERSION) -> str:
    """The file's."""
    return f"runai-airgapped-package-{version}.tar.gz"


def charts(version: str = VERSION) -> dict[str, Path]:
    """Folders of the charts in the archive, by name."""
    found = {chart.name: chart for chart in depot.charts() if chart.parent.name == VERSION}
    if version == VERSION:
        return found
    content = hashlib.sha256(f"{version} {found.values()}".encode())
    with locked():
        made = whole(f"charts-{content.hexdigest()[:16]}", partial(_later, version, found), CACHE / "runai")
    return {name: made / name for name in found}


def _later(version: str, found: Mapping[str, Path], folder: Path) -> None:
    for name, chart in found.items():
        shutil.copytree(chart, folder / name)
        for file in (folder / name / "Chart.yaml", folder / name / "values.yaml"):
            file.write_text(file.read_text().replace(VERSION, version))


def archive(version: str = VERSION) -> Path:
    """The file, made once for all that is in it."""
    content = hashlib.sha256(Path(__file__).read_bytes())
    inside = charts(version)
    for file in [*depot.sources(), *(file for chart in inside.values() for file in sorted(chart.rglob("*")))]:
        if file.is_file():
            content.update(file.read_bytes())
    with locked():
        made = whole(f"vendor-{content.hexdigest()[:16]}", partial(_fill, version, inside), CACHE / "runai")
    return made / name(version)


def digest(version: str = VERSION) -> str:
    """Its SHA-256."""
    with archive(version).open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _fill(version: str, inside: Mapping[str, Path], folder: Path) -> None:
    parts = folder / "parts"
    parts.mkdir()
    images = {image: of for image, of in depot.images().items() if image != depot.MLFLOW}
    for number, (image, (files, entrypoint)) in enumerate(images.items()):
        oci.layout(parts / f"image-{number}", f"nvcr.io/{image}", files, entrypoint, "amd64")
        with tarfile.open(parts / f"image-{number}.tar", "w") as tar:
            tar.add(parts / f"image-{number}", arcname=".")
    for chart_name, chart in inside.items():
        with tarfile.open(parts / f"{chart_name}-{version}.tgz", "w:gz") as tar:
            tar.add(chart, arcname=chart_name)
    with tarfile.open(folder / name(version), "w:gz", compresslevel=1) as tar:
        for file in sorted(parts.glob("image-*.tar")):
            tar.add(file, arcname=f"deploy/images/{file.name}")
        for file in sorted(parts.glob(f"*-{version}.tgz")):
            tar.add(file, arcname=f"deploy/chart/{file.name}")
    shutil.rmtree(parts)
