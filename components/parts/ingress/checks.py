"""What must hold of the ingress in its site. Pure, but for the certificate's file; each problem names key and fix."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from components.certificates import broken_at, fits, lone, names
from components.local import certificates
from components.parts import chart
from components.parts.cert_manager.config import CertManager
from components.parts.ingress.config import Ingress
from components.parts.ingress.plan import PROBED, values
from components.parts.load_balancer.config import LoadBalancer
from components.parts.load_balancer.pool import holds, wrong
from components.parts.part import Ground
from components.problem import Problem
from components.shown import quoted

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def domain(_: Ingress, ground: Ground) -> Iterator[Problem]:
    """There is a domain, under which its names are."""
    if ground.domain is None:
        yield Problem((), "needs the domain of its names. Write domain: NAME at the top of the site.")


def address(config: Ingress, ground: Ground) -> Iterator[Problem]:
    """Its address is one that the load balancer gives."""
    balancer = ground.config(LoadBalancer)
    if config.expose == "nodePort":
        if config.address:
            yield Problem(
                ("address",), "is for expose: loadBalancer; ports of nodes have the nodes' addresses. Take it away."
            )
    elif "node_ports" in config.model_fields_set:
        yield Problem(("nodePorts",), "is for expose: nodePort. Take one of both away.")
    elif config.address and balancer and not wrong(balancer.pool) and not holds(balancer.pool, [config.address]):
        text = f"{config.address} is not in network.loadBalancer.pool {quoted(balancer.pool)}. Write an address of it."
        yield Problem(("address",), text)


def source(config: Ingress, ground: Ground) -> Iterator[Problem]:
    """The certificate is the site's own, with its key, or an issuer's."""
    own = {"certificate": config.certificate, "keySecret": config.key_secret}
    if config.issuer is None:
        for key in (key for key, value in own.items() if value is None):
            yield Problem((key,), "is missing. Write certificate and keySecret, or issuer in place of both.")
        return
    for key in (key for key, value in own.items() if value is not None):
        yield Problem((key,), "is the site's own, and issuer gets one from cert-manager. Take one of both away.")
    manager = ground.config(CertManager)
    if manager and not config.issuer.existing and config.issuer.name not in manager.issuers:
        known = ", ".join(manager.issuers) or "none"
        text = f"{config.issuer.name} is not one of network.certManager.issuers ({known}). Write one of them."
        yield Problem(("issuer", "name"), text)
    if manager and config.issuer.existing:
        text = "is for a cert-manager from elsewhere, and network.certManager brings one. Take one of both away."
        yield Problem(("issuer", "existing"), text)


def covers(config: Ingress, ground: Ground) -> Iterator[Problem]:
    """The certificate is for every name under the domain."""
    found = _chain(config)
    if not found or ground.domain is None or config.certificate is None:
        return
    own = names(found[0])
    if not any(fits(name, f"{PROBED}.{ground.domain}") for name in own):
        said = ", ".join(map(quoted, own)) or "no name"
        text = f"{quoted(config.certificate.name)} is for {said}, not for the names under the site's domain."
        yield Problem(("certificate",), f"{text} Get one for *.{ground.domain}.")


def in_order(config: Ingress, _: Ground) -> Iterator[Problem]:
    """Each certificate of the file is issued by the one after it."""
    if config.certificate and (whose := broken_at(_chain(config))):
        text = f"the certificate after that of {quoted(whose)} did not issue it"
        fix = "Put the site's own certificate first, then its issuer's, then that one's issuer's."
        yield Problem(("certificate",), f"in {quoted(config.certificate.name)}, {text}. {fix}")


def own_values(config: Ingress, ground: Ground) -> Iterator[Problem]:
    """`values` has none that other keys decide."""
    balancer = ground.config(LoadBalancer)
    return iter(()) if balancer and wrong(balancer.pool) else chart.decided(config.values, values(config, ground))


CHECKS: tuple[Callable[[Ingress, Ground], Iterator[Problem]], ...] = (
    domain,
    address,
    source,
    covers,
    in_order,
    own_values,
)


def checks(config: Ingress, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: Ingress, _: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    found = _chain(config)
    if found and lone(found):
        issuer = quoted(found[0].issuer.rfc4514_string())
        text = f"has no certificate of its issuer {issuer}: clients that do not know that one itself refuse it."
        yield Problem(("certificate",), text)


def _chain(config: Ingress) -> "list[Certificate]":
    """The certificates of its file; none where it cannot be read, which its own type reports."""
    if config.certificate is None:
        return []
    try:
        return certificates(config.certificate.read_text())
    except (OSError, ValueError):
        return []
