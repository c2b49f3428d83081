"""Rules for Orchestra in its site. Pure functions; each problem names the key, from the entry on, and the fix."""

import re
from collections.abc import Callable, Iterator
from itertools import chain

from components.parts.part import Ground
from components.platforms.orchestra import places
from components.platforms.orchestra.config import Orchestra
from components.problem import Key, Problem

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._ -]+\])? *(==[^,;\s]+|@ \S+).*")


def hosts(config: Orchestra, ground: Ground) -> Iterator[Problem]:
    """The hosts of pilot and database are in the site, not gone, and of Debian's family."""
    keys: dict[Key, str] = {("host",): config.host}
    if config.database.host:
        keys[("database", "host")] = config.database.host
    for key, name in keys.items():
        host = ground.hosts.get(name)
        if host is None or host.state == "gone":
            what = "is gone" if host else "is not a host of this site"
            yield Problem(key, f"{name} {what}. Write one of hosts.")
        elif host.family != "debian":
            yield Problem(
                key, f"{name} runs {host.os}; Orchestra's steps know Debian and Ubuntu. Write a host of those."
            )


def sources(config: Orchestra, _: Ground) -> Iterator[Problem]:
    """Each source has one place."""
    for name, source in (("source", config.source), ("partitura", config.partitura)):
        if source is None:
            continue
        if (source.archive is None) == (source.git is None):
            yield Problem((name,), "needs one of archive and git. Write archive: {url: URL, sha256: SUM}.")
        if source.archive and (source.archive.file is None) == (source.archive.url is None):
            yield Problem((name, "archive"), "needs one of file and url. Write where the archive is.")


def listening(config: Orchestra, ground: Ground) -> Iterator[Problem]:
    """The database listens on addresses that the site names one by one, and Orchestra reaches one of them."""
    own = config.database
    for index, address in enumerate(own.listen):
        at = ("database", "listen", index)
        if address.is_unspecified:
            text = f"{address} would open the database to every network of its host. Write the address of one network, "
            yield Problem(at, f"{text}or take the key away: then it listens on 127.0.0.1 only.")
        elif address.is_loopback:
            yield Problem(
                at, f"{address} is loopback: the database listens on 127.0.0.1 without this key. Take it away."
            )
    for index, network in enumerate(own.clients):
        if network.prefixlen == 0:
            text = f"{network} is everybody. Write the networks that need the database, for example 10.0.0.0/24."
            yield Problem(("database", "clients", index), text)
    if own.clients and not places.listen(config, ground.hosts):
        text = "lets networks in, and the database listens on 127.0.0.1 only. Write database.listen, or take this away."
        yield Problem(("database", "clients"), text)


def names(config: Orchestra, _: Ground) -> Iterator[Problem]:
    """Role and database are Orchestra's own: PostgreSQL has some of its own, and pg_ is its prefix."""
    for key, name in (("name", config.database.name), ("user", config.database.user)):
        if name in ("postgres", "template0", "template1", "public", "none") or name.startswith("pg_"):
            text = f"{name} is PostgreSQL's own, and what Orchestra owns may be dropped. Write another name."
            yield Problem(("database", key), text)


def requirements(config: Orchestra, _: Ground) -> Iterator[Problem]:
    """The site's own requirements are pinned."""
    text = config.requirements.read_text() if config.requirements else ""
    for number, line in enumerate(text.splitlines(), 1):
        word = line.split("#")[0].strip().rstrip("\\").strip()
        if word and not word.startswith("-") and not _PINNED.fullmatch(word):
            yield Problem(("requirements",), f"line {number}, {word}, names no version. Write NAME==VERSION.")


def nodes(config: Orchestra, ground: Ground) -> Iterator[Problem]:
    """Slots stay within their maxima, and GPUs within those of the host."""
    for machine, node in config.nodes.items():
        at, there = ("nodes", machine), places.gpus(machine, ground.hosts)
        most = node.max_gpu if node.max_gpu is not None else there
        if most is None:
            text = f"{machine} is not a host of this site, so that its GPUs are not known. Write maxGpu: NUMBER."
            yield Problem(at, text)
        elif node.gpu > most:
            said = "maxGpu" if node.max_gpu is not None else f"the GPUs of {machine}"
            yield Problem((*at, "gpu"), f"{node.gpu} is more than {said} ({most}). Write {most} or less.")
        if node.max_gpu is not None and there is not None and node.max_gpu > there:
            text = f"{node.max_gpu} is more than the {there} GPUs of {machine}. Write {there}, or take it away."
            yield Problem((*at, "maxGpu"), text)
        if node.cpu > node.max_cpu:
            yield Problem(
                (*at, "cpu"), f"{node.cpu} is more than maxCpu ({node.max_cpu}). Raise maxCpu, or lower this."
            )


CHECKS: tuple[Callable[[Orchestra, Ground], Iterator[Problem]], ...] = (
    *(hosts, sources, listening, names, requirements, nodes),
)


def checks(config: Orchestra, ground: Ground) -> Iterator[Problem]:
    """Every problem of an entry."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Orchestra, _: Ground) -> Iterator[Problem]:
    """Remarks about settings that are allowed."""
    if config.index and config.index.startswith("http://"):
        yield Problem(
            ("index",), "uses http, so nothing verifies its packages. Write https, or requirements with hashes."
        )
    if config.database.recreate != "no":
        text = "tables that were not created for this site are dropped at the next up. Take it away once that is done."
        yield Problem(("database", "recreate"), text)
    if not config.kubeconfig_secret:
        yield Problem(("kubeconfigSecret",), "is not set: the pilot starts jobs only if its own code knows a cluster.")
