"""What a site may say of its tenants (row S4)."""

from typing import Literal

from components.model import Model, Quantity


class Quota(Model):
    """A namespace's ResourceQuota; gpus is `requests.nvidia.com/gpu`."""

    cpu: Quantity
    memory: Quantity
    pods: int = 100
    gpus: int = 0


class Tenant(Model):
    """A namespace with quota, limit range, network policy and role binding."""

    quota: Quota
    members: tuple[str, ...] = ()
    """User names as the API server sees them; they get the built-in role `edit` in the namespace."""
    groups: tuple[str, ...] = ()
    pod_security: Literal["privileged", "baseline", "restricted"] = "baseline"
    """Pod Security level that the namespace enforces; the policy pack refuses `privileged`."""
