"""What Rancher refuses of a project's quotas."""

from lab.kube import Body
from lab.parts.rancher.standin.objects import DeniedError
from lab.parts.rancher.standin.quantities import exceeded, hard, quantity, shown

_BOTH = ("resourceQuota", "namespaceDefaultResourceQuota")


def check(spec: Body, before: Body) -> None:
    """Raises DeniedError for a project's spec that may not follow `before`."""
    _containers(spec.get("containerDefaultResourceLimit"))
    most, default = spec.get("resourceQuota"), spec.get("namespaceDefaultResourceQuota")
    if most is None and default is None:
        return
    for key, other in (_BOTH, _BOTH[::-1]):
        if key not in spec:
            raise DeniedError(f"project.spec.{key}: Required value: required when {other} is set")
    limit, given = hard((most or {}).get("limit", {})), hard((default or {}).get("limit", {}))
    if len(limit) != len(given):
        why = "resource quota and namespace default quota do not have the same resources defined"
        raise DeniedError(f"project.spec.resourceQuota: Invalid value: {why}")
    for key in limit.keys() - given.keys():
        why = f"missing namespace default for resource {key} defined on resourceQuota"
        raise DeniedError(f"project.spec.namespaceDefaultResourceQuota: Invalid value: {why}")
    for each in (*limit.values(), *given.values()):
        try:
            quantity(each)
        except ValueError as error:
            raise DeniedError(f"error checking quota values: {error}") from error
    if above := exceeded(given, limit):
        why = f"namespace default quota limit exceeds project limit on fields: {shown(above)}"
        raise DeniedError(f"project.spec.namespaceDefaultResourceQuota: Forbidden: {why}")
    used = hard(before.get("resourceQuota", {}).get("usedLimit", {}))
    if above := exceeded(used, limit):
        why = f"resourceQuota is below the used limit on fields: {shown(above)}"
        raise DeniedError(f"project.spec.resourceQuota: Forbidden: {why}")


def _containers(limit: Body | None) -> None:
    """Requests above limits, or not all four values."""
    if limit is None:
        return
    for part, name in (("Cpu", "CPU"), ("Memory", "memory")):
        requested, most = limit.get(f"requests{part}", ""), limit.get(f"limits{part}", "")
        path = "project.spec.containerDefaultResourceLimit"
        try:
            above = quantity(requested) > quantity(most)
        except ValueError as error:
            raise DeniedError(f"{path}: Invalid value: failed to parse container default {name}") from error
        if above:
            why = f"requested {name} {requested} is greater than limit {most}"
            raise DeniedError(f"{path}: Invalid value: {why}")
