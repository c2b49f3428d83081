"""Rules for files on the operator's machine: they are there, and hold what their keys say. They are only read."""

from collections.abc import Callable, Iterator
from pathlib import Path

from components.local import Holds, certificates
from components.problem import Problem, dotted
from components.shown import quoted
from stacks.model import Site


def files(site: Site) -> Iterator[Problem]:
    """Each file is there, and holds what its key says; read once, however many hosts name it."""
    seen: dict[tuple[Path, Holds], str | None] = {}
    for key, mark, path in site.marked:
        if isinstance(mark, Holds):
            if (path, mark) not in seen:
                seen[path, mark] = mark.trouble(path)
            if text := seen[path, mark]:
                yield Problem(key, text)


def names(site: Site) -> Iterator[Problem]:
    """The registry's certificate, the first of its file, is for a name by which hosts know its host."""
    config = site.registry
    if config is None or config.certificate is None or config.host not in site.hosts:
        return
    try:
        [own, *_] = certificates(config.certificate.read_text())
    except (OSError, ValueError):  # files() reports it
        return
    host = site.hosts[config.host]
    wanted = [host.name, *([f"{host.name}.{site.domain}"] if site.domain else []), str(host.address)]
    found = _names(own)
    if not any(_fits(pattern, name) for pattern in found for name in wanted):
        text = (
            f"{quoted(config.certificate.name)} is for {', '.join(map(quoted, found)) or 'no name'}, not for its host"
        )
        yield Problem(("registry", "certificate"), f"{text}. Get one for {' or '.join(wanted)}.")


def _names(certificate: object) -> list[str]:
    """The names and addresses in a certificate: clients look at these alone, not at the subject (RFC 9525)."""
    from cryptography import x509  # noqa: PLC0415 - see components/local.py

    assert isinstance(certificate, x509.Certificate)  # noqa: S101 - components/local.py returns no other
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def _fits(pattern: str, name: str) -> bool:
    """Whether a name of a certificate covers a host's: `*.` stands for one label."""
    if pattern.startswith("*."):
        return name.partition(".")[2].lower() == pattern[2:].lower()
    return pattern.lower() == name.lower()


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (files, names)


def notes(site: Site) -> Iterator[str]:
    """Files that only a run needs, and that this machine does not have."""
    absent: dict[Path, str] = {}
    for key, mark, path in site.marked:
        if isinstance(mark, Holds) and mark.optional and not path.exists():
            absent.setdefault(path, dotted(key))
    for path, where in absent.items():
        yield f"{where}: there is no file {quoted(path.name)} on this machine. pulumi up needs it to log in."
