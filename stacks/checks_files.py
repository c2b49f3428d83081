"""Rules for files on the operator's machine: they are there, and hold what their keys say. They are only read."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from components.certificates import fits
from components.certificates import names as of_certificate
from components.local import Ending, Holds, certificates, shown
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


FEW_DAYS = 30
"""With fewer left, a file is to be renewed."""


def endings(site: Site) -> Mapping[str, tuple[Path, Ending]]:
    """The files whose content ends some day, by the first key that names each."""
    found: dict[tuple[Path, Holds], tuple[str, Ending | None]] = {}
    for key, mark, path in site.marked:
        if isinstance(mark, Holds) and (path, mark) not in found:
            found[path, mark] = dotted(key), mark.ending(path)
    return {key: (path, ending) for (path, _), (key, ending) in found.items() if ending}


def expiry(path: Path, ending: Ending) -> str:
    """What to say of a file that ends soon, or has ended."""
    day = ending.when.date()
    says = f"that expired on {day}" if ending.days < 0 else f"that ends in {ending.days} days, on {day}"
    return f"{quoted(path.name)} has {ending.what} {says}."


def expiring(site: Site) -> Iterator[str]:
    """Files that have expired or will soon. Nothing else in the site is wrong by that, so no run is refused."""
    for key, (path, ending) in endings(site).items():
        if ending.days < FEW_DAYS:
            yield f"{key}: {expiry(path, ending)} Renew it: the next pulumi up takes up the new file."


def notes(site: Site) -> Iterator[str]:
    """Files that only a run needs and that this machine does not have; files that end."""
    yield from expiring(site)
    absent: dict[Path, str] = {}
    for key, mark, path in site.marked:
        if isinstance(mark, Holds) and mark.optional and not path.exists():
            absent.setdefault(path, dotted(key))
    for path, where in absent.items():
        yield f"{where}: there is no file {shown(path)} on this machine. pulumi up needs it to log in."
