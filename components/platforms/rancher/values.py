"""The values of Rancher's chart. Pure, but for the first password, which the component puts in.

Rows: T5.
"""

from typing import Any

from components.parts.ingress.config import Ingress
from components.parts.ingress.plan import CLASS
from components.parts.part import Ground
from components.platforms.rancher import places
from components.platforms.rancher.config import Rancher

DECIDED_BY = {
    "hostname": "hostname",
    "replicas": "replicas",
    "bootstrapPassword": "bootstrapPasswordSecret",
    "privateCA": "authority",
    "systemDefaultRegistry": "registry",
    "ingress": "network.ingress",
}
"""Value of the chart → the key of the site that decides it."""
PASSWORD = {"bootstrapPassword": "••••"}
"""What the component adds, as checks see it."""


def issuer(config: Rancher, ground: Ground) -> str | None:
    """The ClusterIssuer that is asked for the certificate; None where a file of the site has it."""
    of = ground.config(Ingress)
    return of.issuer.name if of and of.issuer and config.certificate is None else None


def values(config: Rancher, ground: Ground) -> dict[str, Any]:
    """What typed keys decide, but the first password."""
    named = issuer(config, ground)
    asked = {"extraAnnotations": {"cert-manager.io/cluster-issuer": named}} if named else {}
    found: dict[str, Any] = {
        "hostname": places.hostname(config, ground),
        "replicas": config.replicas,
        "ingress": {
            "ingressClassName": CLASS,
            "tls": {"source": "secret", "secretName": places.TLS},
            **asked,
        },
    }
    if config.authority:
        found["privateCA"] = True
    if config.registry:
        found["systemDefaultRegistry"] = config.registry
    return found
