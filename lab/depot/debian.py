"""Debian as the hosts see it: the packages that sites and tests install, with all that these depend on.

apt reads the whole index at each call: with Debian's 63,000 packages, that takes more than a second, and took half the
time of a test run (docs/adr/0016). The packages themselves are Debian's, fetched from the machine's mirror when a host
first wants them (web.py) and kept; only the index is the lab's, signed by its key.
"""

import gzip
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lab.depot import parts
from lab.depot.folders import remade
from lab.depot.signing import architecture, make_key, sign
from lab.hosts import base, machine
from lab.hosts.command import run
from lab.hosts.inventory import HOSTS, LabError
from lab.paths import CACHE, SIGNING_KEY
from tools.cache import whole

NAMES = Path(__file__).parent / "packages" / "debian.txt"
"""The packages by name, besides those that parts list. When one is missing, apt on the host reports `Unable to locate
package`."""
TABLE = "pool.json"
"""File in debian/: path of each package → [address at the mirror, SHA-256]."""
RELEASES = sorted({host.release for host in HOSTS.values()})
_DAY = 24 * 3600


class Package(NamedTuple):
    """One stanza of an index."""

    name: str
    path: str
    uri: str
    sha256: str
    priority: str
    needs: str
    provides: frozenset[str]
    text: str


def publish(site: Path, *, keep: bool) -> bool:
    """Makes site/debian a signed repository; False when it is up to date already.

    The index is renewed each day, since the mirror drops old versions of packages. With `keep` an index of any age is
    kept, because hosts use it now. Without the mirror the former one is used; raises LabError without both.
    """
    make_key()
    chosen = _selection(keep=keep)
    of = f"{chosen.stat().st_mtime_ns} {SIGNING_KEY.read_text()}"
    return remade(site / "debian", of, partial(_signed, chosen))


def _signed(chosen: Path, folder: Path) -> None:
    shutil.copytree(chosen, folder, dirs_exist_ok=True)
    index = f"main/binary-{architecture()}/Packages"
    for release in RELEASES:
        fields = {"Origin": "Debian", "Label": "Debian", "Suite": release, "Codename": release, "Components": "main"}
        sign(folder / "dists" / release, fields, (index, f"{index}.gz"))


def _selection(*, keep: bool) -> Path:
    """The cached folder of indexes and table, not signed."""
    recipe = repr((sorted(asked()), base.PACKAGES, RELEASES, architecture(), Path(__file__).read_text()))
    store = CACHE / "depot"
    key = f"debian-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    folder, former = store / key, store / f".former-{key}"
    if folder.exists() and not keep and time.time() - folder.stat().st_mtime > _DAY:
        shutil.rmtree(former, ignore_errors=True)
        folder.rename(former)
    try:
        return whole(key, _fill, store)
    except LabError:
        if not former.exists():
            raise
        return former.rename(folder)  # no mirror now: use the former one; the next start tries again


def asked() -> set[str]:
    """The names in the common list and in those of parts."""
    return {*NAMES.read_text().split(), *parts.debian().split()}


def _fill(folder: Path) -> None:
    table: dict[str, tuple[str, str]] = {}
    for release in RELEASES:
        chosen = list(_closure(_known(folder / ".mirror", release)))
        index = folder / f"dists/{release}/main/binary-{architecture()}/Packages"
        text = "\n\n".join(package.text for package in chosen) + "\n"
        index.parent.mkdir(parents=True)
        index.write_text(text)
        index.with_suffix(".gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        table |= {package.path: (package.uri, package.sha256) for package in chosen}
    (folder / TABLE).write_text(json.dumps(table))


def _known(folder: Path, release: str) -> list[Package]:
    """All packages of the release, its updates and security fixes, from the mirror's signed indexes.

    apt keeps its files in the folder meanwhile.
    """
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "sources").write_text("".join(f"{line}\n" for line in _lines(release)))
    own = {"Dir::State::Lists": "lists", "Dir::Cache": "cache", "Dir::Etc::SourceList": "sources"}
    settings = {name: str(folder / place) for name, place in own.items()}
    settings |= {"Dir::Etc::SourceParts": "/dev/null", "Dir::State::Status": "/dev/null", "APT::Sandbox::User": "root"}
    settings |= {"Acquire::Languages": "none", "Acquire::GzipIndexes": "false", "APT::Update::Error-Mode": "any"}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    run("apt-get", *options, "-qq", "update", deadline=600)
    fields = ("apt-get", *options, "indextargets", "--format", "$(FILENAME)|$(REPO_URI)", "Created-By: Packages")
    found = [line.split("|") for line in run(*fields).splitlines()]
    known = [package for file, uri in found for package in _parsed(Path(file).read_text(), uri)]
    shutil.rmtree(folder)
    return known


def _lines(release: str) -> Iterator[str]:
    sources = machine.sources()
    signed = f"deb [signed-by={base.KEYRING}]"
    yield f"{signed} {sources.main} {release} main"
    yield f"{signed} {sources.main} {release}-updates main"
    if sources.security:
        yield f"{signed} {sources.security} {release}-security main"


def _parsed(index: str, uri: str) -> Iterator[Package]:
    for text in index.split("\n\n"):
        said = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and line[0] != " ")
        if said:
            needs = ", ".join(said[name] for name in ("Pre-Depends", "Depends") if name in said)
            provides = frozenset(_names(said.get("Provides", "")))
            place = f"{uri.rstrip('/')}/{said['Filename']}"
            stanza = (said["Package"], said["Filename"], place, said["SHA256"], said.get("Priority", ""))
            yield Package(*stanza, needs, provides, text.strip())


def _closure(known: Iterable[Package]) -> Iterator[Package]:
    """The packages of a bare system and the listed ones, in every version, with all that they depend on."""
    named: dict[str, list[Package]] = {}
    provided: dict[str, list[str]] = {}
    for package in known:
        named.setdefault(package.name, []).append(package)
        for name in package.provides:
            provided.setdefault(name, []).append(package.name)
    wanted = {*base.PACKAGES, *asked()}
    wanted |= {name for name, those in named.items() if those[0].priority in {"required", "important"}}
    missing, chosen = wanted & {*named}, set[str]()
    while missing:
        chosen |= missing
        needed = {need for name in missing for package in named[name] for need in _needed(package, named, provided)}
        missing = needed - chosen
    return (package for name in sorted(chosen) for package in named[name])


def _needed(package: Package, named: Mapping[str, object], provided: Mapping[str, list[str]]) -> Iterator[str]:
    """For each dependency the first of its alternatives that is a package, else all packages that provide one."""
    for need in filter(None, package.needs.split(",")):
        names = list(_names(need.replace("|", ",")))
        real = next((name for name in names if name in named), None)
        yield from [real] if real else (one for name in names for one in provided.get(name, ()))


def _names(relations: str) -> Iterator[str]:
    """`a (>= 1), b:any` as a, b."""
    for relation in filter(None, relations.split(",")):
        yield re.split(r"[\s:(\[]", relation.strip(), maxsplit=1)[0]
