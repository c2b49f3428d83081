"""Config of tenants (row S4)."""

from typing import Literal

from components.model import Line, Model, Quantity


class Quota(Model):
    """A namespace's ResourceQuota; gpus is `requests.nvidia.com/gpu`."""

    cpu: Quantity
    """Requests and limits of all pods together."""
    memory: Quantity
    """Requests and limits of all pods together."""
    pods: int = 100
    """How many pods."""
    gpus: int = 0
    """How many GPUs."""


class Tenant(Model):
    """A namespace with quota, limit range, network policy and role binding."""

    quota: Quota
    """What the tenant's pods may use together."""
    members: tuple[Line, ...] = ()
    """User names as the API server sees them; they get the built-in role `edit` in the namespace."""
    groups: tuple[Line, ...] = ()
    """Groups as the API server sees them; they get the role `edit` too."""
    pod_security: Literal["privileged", "baseline", "restricted"] = "baseline"
    """Pod Security level that the namespace enforces; the policy pack refuses `privileged`."""
