"""cert-manager's chart values and issuers from a site's settings. Pure.

Rows: L2.
"""

from typing import Any

from components.kubernetes.kinds import Kinds
from components.parts.cert_manager.config import Acme, Authority, CertManager

NAMESPACE = "cert-manager"
RELEASE = "cert-manager"
"""Also the name of its Deployment, and the beginning of the others'."""
DECIDED_BY = {"imageRegistry": "images"}
KINDS = Kinds("cert-manager.io", "write issuer: {name: NAME, existing: true} under network.ingress and no certManager")


def values(config: CertManager) -> dict[str, Any]:
    """The values that the typed keys decide; `values` of the site go around them."""
    # The kinds stay when the release goes, as upstream has it: with them every certificate of the cluster would go.
    found: dict[str, Any] = {"crds": {"enabled": True}}
    return {**found, **({"imageRegistry": config.images} if config.images else {})}


def key_of(issuer: str) -> str:
    """Name of the Secret with an authority's certificate and key, or with an ACME account's key."""
    return f"issuer-{issuer}"


def spec(name: str, issuer: Authority | Acme) -> dict[str, Any]:
    """`spec` of a ClusterIssuer."""
    if isinstance(issuer, Authority):
        return {"ca": {"secretName": key_of(name)}}
    return {
        "acme": {
            "server": issuer.server,
            "email": issuer.email,
            "privateKeySecretRef": {"name": key_of(name)},
            "solvers": [{"dns01": issuer.dns01}],
        }
    }
