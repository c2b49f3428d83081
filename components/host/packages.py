"""Packages and their sources on a host, as data: config in, steps out. Nothing here touches a host."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from components.host.config import Family, Host
from components.host.repositories import AptRepository, Repository
from components.hostrun import library
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"

REQUIRED_PACKAGES = (
    "@hold",
    "@conntrack",
    "@iproute",
    "@iptables",
    "@procps",
    "ca-certificates",
    "ethtool",
    "kmod",
    "socat",
)
"""Packages with the programs that the kubelet, kube-proxy and our own steps call; a minimal image lacks them."""


def packages(
    words: Sequence[str],
    *,
    label: str,
    hold: bool = False,
    folders: Sequence[str] = (),
    replace: tuple[str, Sequence[str]] | None = None,
) -> Step:
    """Packages, as `name`, `name=version` (a version may be a glob, as apt takes it) or `@term`.

    undo removes exactly the packages that came with this step, and `folders`, which those packages fill as they run.
    A package that another step of the host still asks for stays. `replace` is a key of the site and the packages that
    it allows to be removed; without it, the package manager decides.
    """
    inputs = {"names": " ".join(words), "hold": "yes" if hold else "no"}
    if folders:
        inputs["folders"] = " ".join(folders)
    if replace:
        inputs |= {"replace_key": replace[0], "replace": " ".join(replace[1])}
    return Step(_SCRIPTS / "packages.sh", inputs, label=label)


def host_packages(host: Host) -> list[Step]:
    """Packages that every host has, then the site's for this host: those that are not held, and those that are."""
    steps = [packages(REQUIRED_PACKAGES, label="tools")]
    held = [word for word in host.packages if name_of(word) in host.hold]
    if plain := [word for word in host.packages if word not in held]:
        steps.append(packages(plain, label="site"))
    if held:
        steps.append(packages(held, label="held", hold=True))
    return steps


def repositories(sources: Mapping[str, Repository], keys: Mapping[str, str], family: Family) -> list[Step]:
    """The package sources of this family, each with its key; before them gpg, which compares keys.

    `keys` has the armored key of each that has a `key_file` (the caller reads it).
    Raises ValueError for a source without a way to trust it.
    """
    kind = "apt" if family == "debian" else "dnf"
    steps = [_repository(name, source, keys) for name, source in sources.items() if source.kind == kind]
    if (kind == "dnf" and steps) or any("fingerprint" in step.inputs for step in steps):
        steps.insert(0, packages(["@gpg"], label="gpg"))
    return steps


def _repository(name: str, source: Repository, keys: Mapping[str, str]) -> Step:
    inputs = {"name": name, "url": source.url}
    if isinstance(source, AptRepository):
        script = _SCRIPTS / "apt_repository.sh"
        inputs["suite"] = source.suite
        if source.components:
            inputs["components"] = " ".join(source.components)
    else:
        script = _SCRIPTS / "dnf_repository.sh"
        inputs["check_packages"] = _flag(source.gpg_check_packages)
        inputs["check_metadata"] = _flag(source.gpg_check_metadata)
        inputs["hotfixes"] = _flag(source.module_hotfixes)
    if source.fingerprint:
        inputs["fingerprint"] = source.fingerprint.replace(" ", "").upper()
    if source.key_file:
        return Step(script, inputs, bulk={"key": keys[name]}, label=name)
    if not (source.key_url and source.fingerprint):
        raise ValueError(f"repositories.{name}: has no key to trust. Write keyFile, or keyUrl with its fingerprint.")
    return Step(script, {**inputs, "key_url": source.key_url}, label=name)


def _flag(value: bool) -> str:
    return "1" if value else "0"


def name_of(word: str) -> str:
    """The package's name or term, without the wanted version."""
    return word.partition("=")[0]


@cache
def terms(family: Family) -> frozenset[str]:
    """The `@terms` that a site may use on systems of this family. Those of a part are the part's own."""
    tables = [text for name, text in library.names("*").items() if name.startswith(family)]
    lines = [line for text in tables for line in text.splitlines()]
    return frozenset(line.split()[0] for line in lines if line.startswith("@"))
