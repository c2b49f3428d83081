"""When an object counts as ready: the rules of the usual kinds, `pulumi.com/waitFor`, and the waiting itself."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.plugins.kubernetes_provider.cluster import ApiError, Cluster, Object, UnreachableError
from lab.plugins.kubernetes_provider.objects import annotation
from lab.plugins.serve import PluginError
from lab.plugins.values import Tree

_POLL = 0.5
Readiness = Callable[[Cluster, Object], str]
"""Says what is still missing; empty when ready. Raises PluginError when it never will be."""


class NotReadyError(PluginError):
    """The time is up: `live` is the last that was seen."""

    def __init__(self, message: str, live: Object) -> None:
        super().__init__(message)
        self.live = live


def _status(live: Object, key: str) -> Tree:
    return live.get("status", {}).get(key)


def _condition(live: Object, name: str) -> Mapping[str, str]:
    conditions = _status(live, "conditions") or []
    return next((entry for entry in conditions if entry["type"] == name), {})


def _observed(live: Object) -> str:
    seen = _status(live, "observedGeneration") or 0
    return "" if seen >= live["metadata"].get("generation", 0) else "the controller has not seen this generation"


def _deployment(_cluster: Cluster, live: Object) -> str:
    wanted = live["spec"].get("replicas", 1)
    updated, available = _status(live, "updatedReplicas") or 0, _status(live, "availableReplicas") or 0
    if missing := _observed(live):
        return missing
    if (_status(live, "replicas") or 0) == updated == available == wanted:
        return ""
    stuck = _condition(live, "Progressing")
    why = f": {stuck.get('message')}" if stuck.get("status") == "False" else ""
    return f"Minimum number of Pods to consider the application live was not attained: {available}/{wanted}{why}"


def _stateful_set(_cluster: Cluster, live: Object) -> str:
    wanted, ready = live["spec"].get("replicas", 1), _status(live, "readyReplicas") or 0
    if missing := _observed(live):
        return missing
    if ready != wanted:
        return f"{ready} out of {wanted} replicas succeeded readiness checks"
    same = _status(live, "currentRevision") == _status(live, "updateRevision")
    return "" if same or wanted == 0 else "StatefulSet controller is still updating replicas"


def _daemon_set(_cluster: Cluster, live: Object) -> str:
    wanted = _status(live, "desiredNumberScheduled") or 0
    updated, ready = _status(live, "updatedNumberScheduled") or 0, _status(live, "numberReady") or 0
    return _observed(live) or ("" if updated == ready == wanted else f"{ready} of {wanted} Pods are ready")


def _job(_cluster: Cluster, live: Object) -> str:
    failed = _condition(live, "Failed")
    if failed.get("status") == "True":
        raise PluginError(f"Job failed: {failed.get('reason', '')}: {failed.get('message', '')}")
    return "" if _condition(live, "Complete").get("status") == "True" else "Job has not completed"


def _pod(_cluster: Cluster, live: Object) -> str:
    if _status(live, "phase") == "Succeeded" or _condition(live, "Ready").get("status") == "True":
        return ""
    said = [_condition(live, name).get("message") for name in ("PodScheduled", "Initialized", "Ready")]
    return "; ".join(text for text in said if text) or f"Pod is {_status(live, 'phase') or 'not scheduled'}"


def _service(cluster: Cluster, live: Object) -> str:
    spec = live["spec"]
    if spec.get("type") == "ExternalName":
        return ""
    if spec.get("type") == "LoadBalancer" and not (_status(live, "loadBalancer") or {}).get("ingress"):
        return "Service was not allocated an IP address"
    if spec.get("clusterIP") == "None" or not spec.get("selector"):
        return ""
    metadata = live["metadata"]
    slices = cluster.items(
        "discovery.k8s.io/v1", "EndpointSlice", metadata["namespace"], f"kubernetes.io/service-name={metadata['name']}"
    )
    endpoints = [endpoint for entry in slices for endpoint in entry.get("endpoints") or []]
    ready = any((endpoint.get("conditions") or {}).get("ready") for endpoint in endpoints)
    return "" if ready else "Service does not target any Pods. Selected Pods may not be ready"


def _ingress(_cluster: Cluster, live: Object) -> str:
    given = (_status(live, "loadBalancer") or {}).get("ingress")
    return "" if given else "Ingress .status.loadBalancer field was not updated with a hostname/IP address"


def _volume(_cluster: Cluster, live: Object) -> str:
    phase = _status(live, "phase")
    return "" if phase in ("Available", "Bound") else f"PersistentVolume is {phase}"


def _claim(cluster: Cluster, live: Object) -> str:
    phase = _status(live, "phase")
    if phase == "Pending" and (name := live["spec"].get("storageClassName")):
        wanted = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
        try:
            late = cluster.get(wanted).get("volumeBindingMode") == "WaitForFirstConsumer"
        except ApiError:
            late = False
        return "" if late else "PersistentVolumeClaim is Pending"
    return "" if phase == "Bound" else f"PersistentVolumeClaim is {phase}"


def _quota(_cluster: Cluster, live: Object) -> str:
    same = _status(live, "hard") == live["spec"].get("hard")
    return "" if same else "ResourceQuota's hard limits are not in its status"


def _secret(_cluster: Cluster, live: Object) -> str:
    waits = live.get("type") == "kubernetes.io/service-account-token" and not live.get("data")
    return "the token has not been filled in" if waits else ""


@dataclass(frozen=True)
class Rule:
    """A kind's readiness, for how long it is waited for, whether that can be changed, and whether refresh asks too."""

    ready: Readiness
    seconds: float = 600
    adjustable: bool = True
    on_read: bool = True


_RULES = {
    ("apps/v1", "Deployment"): Rule(_deployment),
    ("apps/v1", "StatefulSet"): Rule(_stateful_set),
    ("apps/v1", "DaemonSet"): Rule(_daemon_set),
    ("batch/v1", "Job"): Rule(_job),
    ("networking.k8s.io/v1", "Ingress"): Rule(_ingress),
    ("v1", "PersistentVolume"): Rule(_volume, 300, adjustable=False, on_read=False),
    ("v1", "PersistentVolumeClaim"): Rule(_claim, 300, adjustable=False, on_read=False),
    ("v1", "Pod"): Rule(_pod),
    ("v1", "ResourceQuota"): Rule(_quota, 60, on_read=False),
    ("v1", "Secret"): Rule(_secret, 60, on_read=False),
    ("v1", "Service"): Rule(_service),
}


def rule(wanted: Object) -> Rule | None:
    """How `wanted` is waited for; None when it is not."""
    if annotation(wanted, "skipAwait").lower() == "true":
        return None
    if expression := annotation(wanted, "waitFor"):
        return Rule(_wait_for(expression), on_read=False)
    return _RULES.get((wanted["apiVersion"], wanted["kind"]))


def _wait_for(expression: str) -> Readiness:
    """`condition=TYPE[=STATUS]`, `jsonpath={.a.b}[=VALUE]` with plain keys, or a JSON list of those."""
    every = json.loads(expression) if expression.startswith("[") else [expression]
    checks = [_one_wait(part) for part in every]
    return lambda cluster, live: next((said for check in checks if (said := check(cluster, live))), "")


def _one_wait(expression: str) -> Readiness:
    kind, _, rest = expression.partition("=")
    if kind == "condition":
        name, _, status = rest.partition("=")
        wanted = (status or "True").lower()
        return lambda _, live: (
            "" if _condition(live, name).get("status", "").lower() == wanted else f"condition {name} is not {wanted}"
        )
    if kind == "jsonpath" and (match := re.fullmatch(r"\{\.([\w.]+)\}(?:=(.+))?", rest)):
        keys, wanted_value = match[1].split("."), match[2]
        return lambda _, live: _path_said(live, keys, wanted_value)
    raise PluginError(f"pulumi.com/waitFor {expression!r}: the lab's stand-in plugin does not know this form")


def _path_said(live: Tree, keys: list[str], wanted: str | None) -> str:
    value = live
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if value is not None and (wanted is None or str(value) == wanted):
        return ""
    return f".{'.'.join(keys)} is {value!r}"


def timeout(wanted: Object, custom: float, default: float) -> float:
    """customTimeouts first, then the annotation timeoutSeconds, then the kind's own."""
    return custom or float(annotation(wanted, "timeoutSeconds") or default)


def until_ready(
    cluster: Cluster,
    wanted: Object,
    live: Object,
    custom: float,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Object:
    """The live object once it is ready. Raises NotReadyError."""
    found = rule(wanted)
    if found is None:
        return live
    seconds = timeout(wanted, custom, found.seconds) if found.adjustable else found.seconds
    deadline, said = time.monotonic() + seconds, ""
    while True:
        try:
            live = cluster.get(live)
            missing = _asked(found, cluster, live)
        except UnreachableError as error:  # an API server that restarts under way
            missing = str(error)
        if not missing:
            return live
        if missing != said:
            say(missing)
            said = missing
        if time.monotonic() > deadline or cancelled():
            ended = "operation was cancelled" if cancelled() else f"timed out waiting for {live['metadata']['name']!r}"
            raise NotReadyError(f"{ended}: {missing}", live)
        time.sleep(_POLL)


def _asked(found: Rule, cluster: Cluster, live: Object) -> str:
    try:
        return found.ready(cluster, live)
    except (ApiError, UnreachableError):
        raise
    except PluginError as error:
        raise NotReadyError(str(error), live) from None


def until_gone(cluster: Cluster, live: Object, wanted: Object, custom: float, cancelled: Callable[[], bool]) -> None:
    """Waits for finalizers to end, or another object to have the name. Raises NotReadyError."""
    deadline = time.monotonic() + timeout(wanted, custom, 600)
    uid = live["metadata"].get("uid")
    while True:
        try:
            live = cluster.get(live)
        except ApiError as error:
            if error.status == 404:
                return
            raise
        if live["metadata"].get("uid") != uid:
            return
        if time.monotonic() > deadline or cancelled():
            raise NotReadyError(f"timed out waiting for {live['metadata']['name']!r} to be deleted", live)
        time.sleep(_POLL)
