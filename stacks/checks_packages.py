"""Rules for packages and their sources, checked before anything touches a host (rows H6, H7)."""

from collections.abc import Callable, Iterator

from components.forms import PACKAGE
from components.host.config import Host
from components.host.packages import name_of, terms
from components.host.repositories import DnfRepository
from components.problem import Key, Problem
from stacks.messages import suggestion
from stacks.model import Site


def packages(site: Site) -> Iterator[Problem]:
    """Packages are well-formed names or terms of the host's family, and `hold` names packages of the host."""
    for host in site.active:
        yield from (Problem(("hosts", host.name, *key), text) for key, text in _packages(host))


def _packages(host: Host) -> Iterator[tuple[Key, str]]:
    names = [name_of(word) for word in host.packages]
    for index, word in enumerate(host.packages):
        if word.startswith("@"):
            if word not in terms(host.family):
                yield (
                    ("packages", index),
                    f"{word} is not a term of the {host.family} family. {_meant(word, terms(host.family))}",
                )
        elif not PACKAGE.fullmatch(word):
            yield ("packages", index), f'"{word}" is not NAME, NAME=VERSION (a version may be a glob) or @term.'
        if names.index(name_of(word)) != index:
            yield ("packages", index), f"{name_of(word)} is there twice. Write it once."
    if host.kernel.package is not None and not PACKAGE.fullmatch(host.kernel.package):
        yield ("kernel", "package"), f'"{host.kernel.package}" is not NAME or NAME=VERSION.'
    for index, name in enumerate(host.hold):
        if name not in names:
            yield ("hold", index), f"{name} is not in packages. Write it there, and without a version here."


def _meant(word: str, known: frozenset[str]) -> str:
    return suggestion(word, known) or f"Write the package's name, or one of {', '.join(sorted(known))}."


def sources(site: Site) -> Iterator[Problem]:
    """A dnf source checks signatures: of its packages, of its metadata, or of both."""
    for name, source in site.repositories.items():
        if isinstance(source, DnfRepository) and not (source.gpg_check_packages or source.gpg_check_metadata):
            text = "checks neither packages nor metadata. Write gpgCheckMetadata: true, or take the line away."
            yield Problem(("repositories", name, "gpgCheckPackages"), text)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (packages, sources)
