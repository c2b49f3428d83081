"""The sources of Shifter's stand-in, a tarball and a commit for each version; and a package index for its gateway.

Sites name a checksum and a revision: the functions here return them.
"""

import gzip
import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import NamedTuple

from lab.depot import wheels
from lab.depot.parts import Supply
from lab.hosts.command import run
from lab.hosts.inventory import GATEWAY
from lab.parts.shifter import ferretdb
from lab.paths import CACHE
from lab.tools.catalogue import FERRETDB
from tools.cache import locked, whole

VERSIONS = ("22.02.1", "17.04.0", "16.08.5")
WEB = f"http://{GATEWAY}:8080"
GIT = f"{WEB}/shifter/shifter.git"
INDEX = f"{WEB}/simple/"
"""For pip; over HTTP, so pip wants --trusted-host too."""

HERE = Path(__file__).parent / "source"
_CELERY = ("16.", "17.")
"""Versions whose gateway has Celery and Redis."""

_WHO = {"NAME": "gpu-metal lab", "EMAIL": "lab@gpu-metal.invalid", "DATE": "2022-02-01T00:00:00Z"}


class Archive(NamedTuple):
    """A tarball as a site names it."""

    url: str
    sha256: str
    file: Path


def archive(version: str) -> Archive:
    """The tarball of one version, made if it is not in the cache."""
    file = _made() / f"shifter-{version}.tar.gz"
    return Archive(f"{WEB}/shifter/{file.name}", hashlib.sha256(file.read_bytes()).hexdigest(), file)


def revision(version: str) -> str:
    """The commit of one version."""
    return run("git", "--git-dir", str(_made() / "shifter.git"), "rev-parse", f"{version}^{{commit}}").strip()


def publish(site: Path) -> bool:
    """Links sources and index below site; False if they are there already. Raises LabError."""
    links = {site / "shifter": _made(), site / "simple": wheels.index()}
    stale = {link: target for link, target in links.items() if not link.is_symlink() or link.readlink() != target}
    for link, target in stale.items():
        site.mkdir(parents=True, exist_ok=True)
        new = site / f".{link.name}"
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(link)
    return bool(stale)


def _key() -> str:
    content = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted(HERE.rglob("*")):
        if file.is_file():
            content.update(f"{file.relative_to(HERE)} {file.stat().st_mode & 0o100}".encode() + file.read_bytes())
    return content.hexdigest()[:16]


def _made() -> Path:
    with locked():
        return whole(_key(), _fill, CACHE / "shifter")


def _fill(folder: Path) -> None:
    git = folder / "shifter.git"
    run("git", "init", "--quiet", "--bare", "--initial-branch=master", str(git))
    for version in reversed(VERSIONS):
        tree = folder / ".tree"
        _lay(tree, version)
        (folder / f"shifter-{version}.tar.gz").write_bytes(_packed(tree, f"shifter-{version}"))
        _commit(git, tree, version)
        shutil.rmtree(tree)
    run("git", "--git-dir", str(git), "update-server-info")  # for plain HTTP


def _lay(tree: Path, version: str) -> None:
    kind = "celery" if version.startswith(_CELERY) else "threads"
    for part in ("common", kind):
        shutil.copytree(HERE / part, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "auxdir").mkdir()  # git and tar keep it by its file
    (tree / "auxdir" / "README").write_text("What autogen.sh makes.\n")
    (tree / "VERSION").write_text(f"{version}\n")


def _packed(tree: Path, top: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in (tree, *sorted(tree.rglob("*"))):
            entry = tarfile.TarInfo(str(Path(top) / path.relative_to(tree)))
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                entry.size = path.stat().st_size
                with path.open("rb") as content:
                    tar.addfile(entry, content)
    return gzip.compress(out.getvalue(), compresslevel=9, mtime=0)


def _commit(git: Path, tree: Path, version: str) -> None:
    """Commits with fixed names and times, and without the user's git settings: the revision is the same everywhere."""
    env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()}
    env |= {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ("git", "--git-dir", str(git), "--work-tree", str(tree))
    run(*command, "add", "--all", "--force", env=env)
    run(*command, "commit", "--quiet", "--message", f"The lab's stand-in of Shifter {version}", env=env)
    run(*command, "tag", version, env=env)


SUPPLY = Supply(
    publish,
    "Shifter's sources and its package index made",
    debs=ferretdb.packages,
    sources=ferretdb.sources,
    keys=(FERRETDB.key,),
)
