"""Names of what the chart makes, and its values. Pure.

Rows: N3.
"""

from typing import Any

from components.parts.chart import merged
from components.parts.dashboard.config import Dashboard

NAMESPACE = "headlamp"
RELEASE = "headlamp"
"""Also the name of its Deployment and its Service."""
OIDC = "gpu-metal-oidc"
"""The Secret with what it logs in with."""

DECIDED_BY = {"image": "images", "config.oidc": "oidc"}
"""Value of the chart → the key of the site that decides it."""


def values(config: Dashboard) -> dict[str, Any]:
    """All values, of which ours win."""
    return merged(config.values, ours(config))


def ours(config: Dashboard) -> dict[str, Any]:
    """The values that this project decides."""
    found: dict[str, Any] = {
        # The chart's own choice is cluster-admin, for everybody who reaches it with that account's token.
        "clusterRoleBinding": {"create": False},
        "config": {"unsafeUseServiceAccountToken": False, "oidc": {"secret": {"create": False}}},
        "podSecurityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if config.oidc:
        external = {"enabled": True, "name": OIDC, "hasScopes": True}
        found["config"]["oidc"] = {"secret": {"create": False}, "externalSecret": external}
    if config.images:
        found["image"] = {"registry": config.images, "repository": "headlamp-k8s/headlamp"}
    return found
