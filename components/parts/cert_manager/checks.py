"""What must hold of cert-manager in its site. Pure, but for certificates' files; each problem names key and fix."""

from collections.abc import Callable, Iterator
from itertools import chain as chained

from components.parts import chart
from components.parts.cert_manager.config import Acme, CertManager
from components.parts.cert_manager.plan import DECIDED_BY, key_of, values
from components.parts.cert_manager.versions import DNS_PROVIDERS
from components.parts.part import Ground
from components.problem import Problem


def solvers(config: CertManager, _: Ground) -> Iterator[Problem]:
    """A solver has one provider, and each Secret has one maker."""
    owner = {key_of(name): f"the issuer {name}" for name in config.issuers}
    for name, issuer in config.issuers.items():
        if not isinstance(issuer, Acme):
            continue
        given = [key for key in issuer.dns01 if key in DNS_PROVIDERS]
        if len(given) != 1:
            text = f"has {' and '.join(given) or 'no provider'}. Write one of {', '.join(DNS_PROVIDERS)}."
            yield Problem(("issuers", name, "dns01"), text)
        for secret in issuer.secrets:
            whose = owner.setdefault(secret, f"issuers.{name}.secrets")
            if whose != f"issuers.{name}.secrets":
                text = f"is the name of another Secret there, of {whose}. Use another name."
                yield Problem(("issuers", name, "secrets", secret), text)


def open_values(config: CertManager, _: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    yield from chart.decided(config.values, values(config), DECIDED_BY)


CHECKS: tuple[Callable[[CertManager, Ground], Iterator[Problem]], ...] = (solvers, open_values)


def checks(config: CertManager, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chained.from_iterable(check(config, ground) for check in CHECKS)
