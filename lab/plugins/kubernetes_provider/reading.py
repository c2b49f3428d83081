"""Read: what is live now, for refresh, import and `get`."""

from collections.abc import Mapping
from typing import Any

from lab.plugins.kubernetes_provider import awaits, objects
from lab.plugins.kubernetes_provider.cluster import ApiError, Cluster, NoMatchError, Object, UnreachableError
from lab.plugins.kubernetes_provider.resources import Operation
from lab.plugins.serve import InitFailedError, PluginError
from lab.plugins.values import Properties, plain


def read(
    operation: Operation, cluster: Cluster, object_id: str, state: Properties, inputs: Properties
) -> tuple[str, Properties, Properties]:
    """(id, state, inputs) as they are now; an empty id when the object is gone. Raises InitFailedError: not ready."""
    before = objects.live_of(state) if state else _named(operation, object_id)
    try:
        live = cluster.get(before)
    except NoMatchError:
        return "", {}, {}
    except ApiError as error:
        if error.status == 404:
            return "", {}, {}
        raise
    if not inputs:
        found = imported(live)
        return object_id, objects.checkpoint(found, live, live["apiVersion"], ""), found
    wanted = objects.manifest(inputs)
    now = objects.with_secrets(objects.underscored(objects.refreshed(wanted, before, live)), inputs)
    kept = objects.checkpoint(now, live, live["apiVersion"], str(plain(state.get("__fieldManager", ""))))
    if reason := _not_ready(cluster, wanted, live):
        raise InitFailedError(object_id, kept, [reason], now)
    return object_id, kept, now


def _named(operation: Operation, object_id: str) -> Object:
    """Enough of an object to ask for it, from the resource's type and id."""
    _, module, kind = operation.token.split(":")
    api_version = module.removeprefix("core/")
    namespace, _, name = object_id.rpartition("/")
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": api_version, "kind": kind.removesuffix("Patch"), "metadata": metadata}


def imported(live: Mapping[str, Any]) -> Properties:
    """A live object as inputs: without its status and what only the server writes."""
    found = objects.manifest({key: value for key, value in live.items() if key != "status"})
    for written in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        found["metadata"].get("annotations", {}).pop(written, None)
    result: Properties = objects.underscored(found)
    return result


def _not_ready(cluster: Cluster, wanted: Object, live: Object) -> str:
    rule = awaits.rule(wanted)
    if rule is None or not rule.on_read:
        return ""
    try:
        return rule.ready(cluster, live)
    except (ApiError, UnreachableError):
        raise
    except PluginError as error:
        return str(error)
