"""What must hold of Rancher in its site. Pure, but for the certificates' files; each problem names key and fix."""

import re
from collections.abc import Callable, Iterator
from itertools import chain as chained
from pathlib import Path
from typing import TYPE_CHECKING

from components.certificates import broken_at, fits, names
from components.local import certificates
from components.parts import chart
from components.parts.ingress.config import Ingress
from components.parts.part import Ground
from components.platforms.rancher import checks_people, places, values
from components.platforms.rancher.config import Rancher
from components.problem import Key, Problem
from components.shown import quoted

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


_SETTING = re.compile(r"[a-z][a-z0-9-]{0,62}")


def hostname(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """There is a name at which it answers."""
    if not places.hostname(config, ground):
        yield Problem((), "needs the name at which it answers. Write hostname: NAME, or domain at the top of the site.")


def both(config: Rancher, _: Ground) -> Iterator[Problem]:
    """A certificate of its own comes with its key."""
    if (config.certificate is None) != (config.key_secret is None):
        lacking = "certificate" if config.certificate is None else "keySecret"
        yield Problem((lacking,), "is missing. Write certificate and keySecret, or none of both.")


def covers(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """The certificate is for the name at which it answers; that of the ingress is for names below the domain."""
    name = places.hostname(config, ground)
    of = ground.config(Ingress)
    file = config.certificate or (of.certificate if of else None)
    key: Key = ("certificate",) if config.certificate else ("hostname",)
    found = _chain(file)
    if found and name and not any(fits(each, name) for each in names(found[0])):
        said = ", ".join(map(quoted, names(found[0]))) or "no name"
        text = f"{quoted(file.name if file else '')} is for {said}, not for {name}"
        yield Problem(key, f"{text}. Write a name that it covers, or certificate and keySecret of one for {name}.")


def in_order(config: Rancher, _: Ground) -> Iterator[Problem]:
    """Each certificate of the file is issued by the one after it, and the last by the own authority."""
    found = _chain(config.certificate)
    if config.certificate and (whose := broken_at(found)):
        text = f"in {quoted(config.certificate.name)}, the certificate after that of {quoted(whose)} did not issue it"
        fix = "Put Rancher's own certificate first, then its issuer's, then that one's issuer's."
        yield Problem(("certificate",), f"{text}. {fix}")
    elif config.authority and found and broken_at([found[-1], *_chain(config.authority)[:1]]):
        last = quoted(found[-1].subject.rfc4514_string())
        if found[-1].issuer != found[-1].subject:
            text = f"{quoted(config.authority.name)} did not sign {last}. Write the authority that did."
            yield Problem(("authority",), text)


def passwords(config: Rancher, _: Ground) -> Iterator[Problem]:
    """The bootstrap password serves for nothing else, since the chart keeps it readable in a Secret."""
    first = config.bootstrap_password_secret
    used = {"admin.passwordSecret": config.admin.password_secret, "firstPasswordSecret": config.first_password_secret}
    for where, name in used.items():
        if name == first:
            text = f"is {where}, too, and it stays readable in the cluster. Name another secret."
            yield Problem(("bootstrapPasswordSecret",), text)


def settings(config: Rancher, _: Ground) -> Iterator[Problem]:
    """Names are those of settings, and none is decided by another key."""
    by = {"server-url": "hostname", "eula-agreed": "eula", "cacerts": "authority", "first-login": "admin"}
    for name in config.settings:
        if not _SETTING.fullmatch(name):
            yield Problem(("settings", name), "is not the name of a setting, such as telemetry-opt. Correct it.")
        elif name in by:
            yield Problem(("settings", name), f"is what {by[name]} decides. Write that, and take this away.")


def open_values(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    ours = chart.merged(values.values(config, ground), values.PASSWORD)
    yield from chart.decided(config.values, ours, values.DECIDED_BY)


CHECKS: tuple[Callable[[Rancher, Ground], Iterator[Problem]], ...] = (
    hostname,
    both,
    covers,
    in_order,
    passwords,
    settings,
    open_values,
    *checks_people.CHECKS,
)


def checks(config: Rancher, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chained.from_iterable(check(config, ground) for check in CHECKS)


def _chain(path: Path | None) -> "list[Certificate]":
    """The certificates of a file; none where it cannot be read, which its own type reports."""
    try:
        return certificates(path.read_text()) if path else []
    except (OSError, ValueError):
        return []
