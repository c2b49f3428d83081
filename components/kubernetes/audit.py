"""The API server's log of who asked for what. Pure.

https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from collections.abc import Iterator
from io import StringIO
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from ruamel.yaml import YAML

from components.local import TextFile
from components.model import Model
from components.shown import quoted

Level = Literal["Metadata", "Request", "RequestResponse"]

LOG = "/var/log/kubernetes/audit.log"

_LEVELS = ("None", *get_args(Level))
_STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_OF_POLICY = {"apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"}
_OF_RULE = {
    *("level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs"),
    *("omitStages", "omitManagedFields"),
}
"""Fields of audit.k8s.io/v1: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/"""

_SECRET = [
    {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
    {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
]


class Audit(Model):
    """An audit log on each control plane."""

    policy: Level | TextFile
    """Metadata (who, what, when), Request (also what was sent) or RequestResponse (also what came back) of
    everything but health checks and leases; of secrets, tokens and config maps always Metadata alone. Or a file with a
    Policy of audit.k8s.io/v1."""
    max_age: Annotated[int, Field(ge=1)] = 30
    """Days that a log file is kept."""
    max_backups: Annotated[int, Field(ge=1)] = 10
    """Log files that are kept beside the one in use."""
    max_size_mb: Annotated[int, Field(ge=1)] = 100
    """Size of a log file, in megabytes. All together take up to (maxBackups + 1) * maxSizeMb in /var/log."""


def arguments(audit: Audit) -> dict[str, str]:
    """Beside the file of audit-policy-file."""
    return {
        "audit-log-path": LOG,
        "audit-log-maxage": str(audit.max_age),
        "audit-log-maxbackup": str(audit.max_backups),
        "audit-log-maxsize": str(audit.max_size_mb),
    }


def policy(level: Level) -> str:
    """The file of audit-policy-file for a level; no secret comes into the log."""
    document = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version"]},
            {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
            {"level": "Metadata", "resources": _SECRET},
            {"level": level},
        ],
    }
    out = StringIO()
    YAML().dump(document, out)
    return out.getvalue()


def wrong_policy(found: Any) -> str | None:  # noqa: ANN401 - what a YAML file holds
    """Why the API server does not take this Policy, read from YAML; None if it does."""
    return next(_wrong(found), None)


def _wrong(found: Any) -> Iterator[str]:  # noqa: ANN401
    if found.get("apiVersion") != "audit.k8s.io/v1":
        yield f"has apiVersion {quoted(found.get('apiVersion', 'none'))}. Write audit.k8s.io/v1."
    yield from _unknown("", found, _OF_POLICY)
    rules = found.get("rules")
    if not isinstance(rules, list) or not rules:
        yield "has no rules, and the API server does not start without one. Write rules: [{level: Metadata}]."
        return
    for number, rule in enumerate(rules):
        if not isinstance(rule, dict):
            yield f"has rules[{number}], which is not a map of keys. Write {{level: Metadata}}."
            continue
        if rule.get("level") not in _LEVELS:
            seen = quoted(rule.get("level", "none"))
            yield f"has the level {seen} in rules[{number}]. Write one of {', '.join(_LEVELS)}."
        yield from _unknown(f"rules[{number}].", rule, _OF_RULE)
    for stage in _stages(found, rules):
        if stage not in _STAGES:
            yield f"has the stage {quoted(stage)} in omitStages. Write one of {', '.join(_STAGES)}."


def _unknown(place: str, found: dict[str, Any], known: set[str]) -> Iterator[str]:
    for name in found.keys() - known:
        yield f"has {place}{name}, which a Policy does not know. Known: {', '.join(sorted(known))}."


def _stages(found: dict[str, Any], rules: list[Any]) -> Iterator[object]:
    for each in (found, *rules):
        yield from (each.get("omitStages") or []) if isinstance(each, dict) else []
