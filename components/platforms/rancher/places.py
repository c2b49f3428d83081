"""Names that Rancher and its chart give to things, and those that we give to objects there. Pure."""

from components.parts.part import Ground
from components.platforms.rancher.config import Rancher

NAMESPACE = "cattle-system"
RELEASE = "rancher"
"""Also the name of its Deployment."""
CLUSTER = "local"
"""How Rancher calls the cluster that it runs in, and the namespace of that cluster's projects."""
TLS = "tls-rancher-ingress"
AUTHORITY, AUTHORITY_KEY = "tls-ca", "cacerts.pem"
GROUP = "management.cattle.io"
API = f"{GROUP}/v3"
MADE, TAKEN = "gpu-metal/made", "gpu-metal/taken"
"""Labels in Rancher of what this program made; of a user whom it took over, with the former `enabled`."""
ADMIN = "admin"
PROJECT, QUOTA = "field.cattle.io/projectId", "field.cattle.io/resourceQuota"
"""Annotations of a namespace."""
CLAIM = "volume"
"""The claim of each project."""


def hostname(config: Rancher, ground: Ground) -> str:
    """Where Rancher answers; empty while neither the entry nor the site has a name."""
    return config.hostname or (f"rancher.{ground.domain}" if ground.domain else "")


def project(name: str) -> str:
    """The name of the object of a project: with the cluster's, it is the project's id."""
    return f"p-{name}"


def project_id(name: str) -> str:
    """As bindings and namespaces name it."""
    return f"{CLUSTER}:{project(name)}"


def backing(name: str) -> str:
    """The namespace that Rancher makes for a project's own objects, such as its role bindings."""
    return f"{CLUSTER}-{project(name)}"


def binding(user: str) -> str:
    """The name of each role binding of a user."""
    return f"gm-{user}"
