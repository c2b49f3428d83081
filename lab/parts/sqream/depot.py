"""SQream's installation packages and licences as the lab makes them: stand-ins that do what the vendor's documents say.

Three versions: the first, one that reads the same metadata, and one that changes the metadata's structure and has
Studio in the older editor's place.
"""

import gzip
import hashlib
import io
import re
import tarfile
import tempfile
from pathlib import Path

from lab.depot import oci
from lab.depot.parts import Supply
from lab.hosts.command import run
from lab.hosts.inventory import GATEWAY
from lab.paths import CACHE
from tools.cache import locked, whole

FIRST = "sqream_installer-1.1.5-DB2019.2.1-CO1.5.4-ED3.0.0-x86_64"
PATCH = "sqream_installer-1.1.6-DB2019.2.1.4-CO1.5.6-ED3.0.1-x86_64"
NEXT = "sqream_installer-2.0.5-DB2020.3-CO1.7.6-ED4.0.0-x86_64"

_HERE = Path(__file__).parent / "package"
_METADATA = {FIRST: 27, PATCH: 27, NEXT: 28}
_SCRIPTS = {
    "sqream-install": "sqream-install.sh",
    "sqream-console": "sqream-console.sh",
    ".install/common.sh": "common.sh",
    ".install/console.sh": "console.sh",
    ".install/sqream-status": "sqream-status.sh",
}
_EMPTY = (".hadoop", ".krb5", "license")
_VENDOR = 1000
"""The owner of the files in the tarball: unpacked by root, they do not belong to root."""


def publish(site: Path) -> bool:
    """Links site/sqream to the folder of the packages; False if it is linked already. Raises LabError."""
    target, link = site / "sqream", site / ".sqream"
    folder = _packages()
    if target.is_symlink() and target.readlink() == folder:
        return False
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    link.replace(target)
    return True


def url(package: str) -> str:
    """The URL of a package in the depot."""
    return f"http://{GATEWAY}:8080/sqream/{package}.tar.gz"


def file(package: str) -> Path:
    """The tarball on this machine, made if it is not there. Raises LabError."""
    return _packages() / f"{package}.tar.gz"


def sha256(package: str) -> str:
    """The checksum of the package's tarball."""
    return hashlib.sha256(file(package).read_bytes()).hexdigest()


def license_package(*, expires: str = "2099-12-31", gpus: str = "", workers: int = 4) -> bytes:
    """A licence package; `gpus` is nvidia-smi's name of the GPUs that it is for, empty for any GPU."""
    text = f"expires={expires}\ngpus={gpus}\nworkers={workers}\n"
    return _tarball({"license": (text.encode(), 0o644)})


def _packages() -> Path:
    with locked():
        return whole(_key(), _fill, CACHE / "sqream")


def _key() -> str:
    content = hashlib.sha256()
    for source in (Path(__file__), Path(oci.__file__), *sorted(_HERE.iterdir())):
        content.update(source.read_bytes())
    return content.hexdigest()[:16]


def _fill(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        program = Path(work) / "sqreamd"
        run("gcc", "-Os", "-Wall", "-static", "-s", "-o", str(program), str(_HERE / "sqreamd.c"))
        for package in _METADATA:
            (folder / f"{package}.tar.gz").write_bytes(_package(package, program))


def _package(package: str, program: Path) -> bytes:
    installer, database, console, editor = re.findall(r"-(?:DB|CO|ED)?([\d.]+)(?=-)", package)
    web = "studio" if package == NEXT else "editor"
    versions = (
        f"INSTALLER={installer}\nDB={database}\nCO={console}\nED={editor}\nMETADATA={_METADATA[package]}\nWEB={web}\n"
    )
    files = {path: ((_HERE / name).read_bytes(), 0o755) for path, name in _SCRIPTS.items()}
    files |= {"README": ((_HERE / "README").read_bytes(), 0o644), ".sqream/versions": (versions.encode(), 0o644)}
    for name, tag in (("sqream", database), ("sqream_console", console), (f"sqream_{web}", editor)):
        files[f".docker/{name}-{tag}.tar"] = _image(name, tag, program), 0o644
    return _tarball({f"{package}/{path}": found for path, found in files.items()}, [f"{package}/{e}" for e in _EMPTY])


def _image(name: str, tag: str, program: Path) -> bytes:
    """As `docker save` writes it."""
    with tempfile.TemporaryDirectory() as work:
        layout, archive = f"{work}/layout", f"{work}/archive"
        files = {"usr/bin/sqreamd": program}
        oci.layout(Path(layout), tag, files, ["/usr/bin/sqreamd"], run("dpkg", "--print-architecture").strip())
        to = f"docker-archive:{archive}:{name}:{tag}"
        run("skopeo", "copy", "--quiet", "--insecure-policy", f"oci:{layout}:{tag}", to)
        return Path(archive).read_bytes()


def _tarball(files: dict[str, tuple[bytes, int]], folders: list[str] | None = None) -> bytes:
    """The same content gives the same bytes."""
    out = io.BytesIO()
    above = {str(parent) for path in files for parent in Path(path).parents} - {"."}
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in sorted(above | set(folders or ())):
            _add(tar, folder, b"", 0o775, tarfile.DIRTYPE)
        for path, (content, mode) in sorted(files.items()):
            _add(tar, path, content, mode, tarfile.REGTYPE)
    return gzip.compress(out.getvalue(), compresslevel=6, mtime=0)


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int, kind: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.size, entry.uid, entry.gid = kind, mode, len(content), _VENDOR, _VENDOR
    tar.addfile(entry, io.BytesIO(content))


SUPPLY = Supply(publish, "SQream's packages made")
