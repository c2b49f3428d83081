"""Rules for files on the operator's machine: they are there, and hold what their keys say. They are only read."""

from collections.abc import Callable, Iterator
from pathlib import Path

from components.certificates import fits
from components.certificates import names as of_certificate
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
    found = of_certificate(own)
    if not any(fits(pattern, name) for pattern in found for name in wanted):
        text = (
            f"{quoted(config.certificate.name)} is for {', '.join(map(quoted, found)) or 'no name'}, not for its host"
        )
        yield Problem(("registry", "certificate"), f"{text}. Get one for {' or '.join(wanted)}.")


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (files, names)


def notes(site: Site) -> Iterator[str]:
    """Files that only a run needs, and that this machine does not have."""
    absent: dict[Path, str] = {}
    for key, mark, path in site.marked:
        if isinstance(mark, Holds) and mark.optional and not path.exists():
            absent.setdefault(path, dotted(key))
    for path, where in absent.items():
        yield f"{where}: there is no file {quoted(path.name)} on this machine. pulumi up needs it to log in."
