"""The stand-in of Rancher: one image, Debian's Python with our programs, under the name of the real one."""

from pathlib import Path

from lab import kube
from lab.depot import rootfs
from lab.depot.parts import Image, Supply

HERE = Path(__file__).parent
VERSION = "2.15.0"
"""What the chart in `charts` is published as, and the image's tag behind a v."""
IMAGE = f"rancher/rancher:v{VERSION}"
_PYTHON = ("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib")
_LIBRARIES = ("libc6", "libexpat1", "zlib1g", "libssl3", "libuuid1", "libbz2-1.0", "liblzma5", "libffi8")
_LEFT_OUT = ("/test/", "config-3.11", "/idlelib/", "/ensurepip/", "/lib2to3/", "/distutils/", "/gconv/")


def images() -> dict[str, Image]:
    """The program, by the name of Rancher's image."""
    python = rootfs.of((*_PYTHON, *_LIBRARIES))
    files = {path: file for path, file in python.items() if not any(part in path for part in _LEFT_OUT)}
    files |= {f"usr/lib/python3/dist-packages/lab/parts/rancher/standin/{file.name}": file for file in _programs()}
    files["usr/lib/python3/dist-packages/lab/kube.py"] = Path(kube.__file__)
    files["etc/passwd"] = HERE / "passwd"
    return {IMAGE: (files, ["/usr/bin/python3.11"])}


def _programs() -> list[Path]:
    return sorted(file for file in (HERE / "standin").iterdir() if file.suffix in (".py", ".txt"))


def sources() -> list[Path]:
    """What the image is made of, beside Debian's packages."""
    own = [HERE / name for name in ("depot.py", "unpacked.txt", "passwd")]
    return [*own, Path(kube.__file__), *_programs()]


SUPPLY = Supply(images=images, sources=sources)
