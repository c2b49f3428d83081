"""The stand-in of Run:ai: Debian's Python with our programs, Debian's PostgreSQL, and two charts in two versions; and a
stand-in of MLflow's tracking server, in the same image under its own name."""

import hashlib
import shutil
from pathlib import Path

from components.platforms.runai import versions
from lab import kube
from lab.depot import rootfs
from lab.depot.parts import Image, Supply
from lab.parts.runai import schema
from lab.paths import CACHE
from lab.tools.debian import unpacked
from tools.cache import locked, whole

HERE = Path(__file__).parent
VERSIONS = ("2.25.0", "3.0.0")
"""What the charts are published as."""
TAG = "1"
"""Of the images: they are the same for both versions, which the charts tell them."""
MLFLOW = f"{versions.MLFLOW_IMAGE}:{versions.MLFLOW_APP}"
"""The stand-in of MLflow's tracking server has the name of the real image, which the chart asks for."""
STAND_IN, POSTGRESQL = f"nvidia/runai/stand-in:{TAG}", f"nvidia/runai/stand-in-postgresql:{TAG}"

PYTHON = ("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib")
_PYTHON_LIBRARIES = ("libc6", "libexpat1", "zlib1g", "libssl3", "libuuid1", "libbz2-1.0", "liblzma5", "libffi8")
DATABASE = ("postgresql-15", "postgresql-client-15", "libpq5")
LIBRARIES = (
    *("libaudit1", "libcap-ng0", "libcap2", "libcom-err2", "libffi8", "libgcc-s1", "libgcrypt20", "libgmp10"),
    *("libgnutls30", "libgpg-error0", "libgssapi-krb5-2", "libhogweed6", "libicu72", "libidn2-0", "libk5crypto3"),
    *("libkeyutils1", "libkrb5-3", "libkrb5support0", "libldap-2.5-0", "liblz4-1", "liblzma5", "libnettle8"),
    *("libp11-kit0", "libpam0g", "libreadline8", "libsasl2-2", "libssl3", "libstdc++6", "libsystemd0", "libtasn1-6"),
    *("libtinfo6", "libunistring2", "libxml2", "libzstd1", "zlib1g"),
)
"""Of the database, without libc6."""
_CLIENTS = ("psql", "pg_dump", "pg_restore", "pg_isready")
_LEFT_OUT = ("llvmjit", "bitcode", "/test/", "config-3.11")


def images() -> dict[str, Image]:
    """The stand-in's programs, and the database."""
    python = {**rootfs.of((*PYTHON, *_PYTHON_LIBRARIES)), "etc/passwd": HERE / "passwd", **_shell()}
    python["usr/lib/python3/dist-packages/lab/kube.py"] = Path(kube.__file__)
    python |= {f"usr/lib/python3/dist-packages/lab/parts/runai/{path}": HERE / path for path in _programs()}
    database = {**_shell(), **rootfs.of(("libc6", *DATABASE, *LIBRARIES)), **_shared(), "etc/passwd": HERE / "passwd"}
    database |= {f"usr/bin/{name}": f"../lib/postgresql/15/bin/{name}" for name in _CLIENTS}
    database["postgres.sh"] = HERE / "postgres.sh"
    return {
        STAND_IN: (_small(python), ["/usr/bin/python3.11"]),
        MLFLOW: (_small({**python, "usr/bin/mlflow": HERE / "mlflow/command.py"}), ["mlflow"]),
        POSTGRESQL: (_small(database), ["/bin/sh", "/postgres.sh"]),
    }


def _programs() -> list[str]:
    found = [file for folder in ("standin", "mlflow") for file in (HERE / folder).iterdir()]
    return sorted(str(file.relative_to(HERE)) for file in found if file.suffix in (".py", ".sh"))


def _shell() -> dict[str, Path | str]:
    """Busybox, in /usr/bin: /bin is a link in Debian's files."""
    return {path.replace("bin/", "usr/bin/", 1): file for path, file in rootfs.busybox().items()}


def _shared() -> dict[str, Path | str]:
    """What initdb makes a cluster of; rootfs leaves /usr/share out."""
    root = unpacked("postgresql-15")
    folder = root / "usr/share/postgresql/15"
    return {
        str(file.relative_to(root)): file for file in folder.rglob("*") if file.is_file() and "man" not in file.parts
    }


def _small(files: dict[str, Path | str]) -> dict[str, Path | str]:
    return {path: file for path, file in files.items() if not any(part in path for part in _LEFT_OUT)}


def charts() -> list[Path]:
    """Both charts in each version."""
    with locked():
        made = whole(_key(), _fill, CACHE / "runai")
    return sorted(made.glob("*/*"))


def _key() -> str:
    content = hashlib.sha256(" ".join(VERSIONS).encode())
    for file in [Path(__file__), Path(schema.__file__), *sorted((HERE / "chart").rglob("*"))]:
        if file.is_file():
            content.update(f"{file.relative_to(HERE)}\n".encode() + file.read_bytes())
    return content.hexdigest()[:16]


def _fill(folder: Path) -> None:
    for version in VERSIONS:
        for source in sorted(path for path in (HERE / "chart").iterdir() if path.is_dir()):
            chart = folder / version / source.name
            shutil.copytree(source, chart)
            (chart / "values.keys").unlink()
            (chart / "values.schema.json").write_text(schema.made(source / "values.keys", version))
            for file in (chart / "Chart.yaml", chart / "values.yaml"):
                file.write_text(file.read_text().replace("@VERSION@", version).replace("@TAG@", TAG))


def sources() -> list[Path]:
    """What the images are made of, beside Debian's packages."""
    own = [HERE / name for name in ("depot.py", "unpacked.txt", "passwd", "postgres.sh")]
    return [*own, Path(kube.__file__), *(HERE / path for path in _programs())]


SUPPLY = Supply(images=images, charts=charts, sources=sources)
