"""Kubernetes objects as Pulumi properties: names, annotations, secrets, what is kept in state."""

import hashlib
from collections.abc import Mapping
from typing import Any

from lab.plugins.serve import unique
from lab.plugins.values import UNKNOWN, Properties, Secret, Tree, plain

AUTONAMED = "pulumi.com/autonamed"
_STATE_KEYS = ("__inputs", "__initialApiVersion", "__fieldManager")
_READ_ONLY = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "uid",
)  # fmt: skip
_DASHED = {
    f"x_kubernetes_{key}": f"x-kubernetes-{key.replace('_', '-')}"
    for key in (
        "embedded_resource", "int_or_string", "list_map_keys", "list_type", "map_type", "preserve_unknown_fields",
        "validations",
    )
}  # fmt: skip
_UNDERSCORED = {dashed: key for key, dashed in _DASHED.items()}


def _renamed(value: Tree, names: Mapping[str, str]) -> Tree:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def _without_nulls(value: Tree) -> Tree:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def manifest(inputs: Properties) -> dict[str, Any]:
    """Inputs as the object to send: no secrets, nulls, read-only metadata or state keys."""
    result: dict[str, Any] = _renamed(_without_nulls(plain(inputs)), _DASHED)
    for key in _STATE_KEYS:
        result.pop(key, None)
    if isinstance(result.get("metadata"), dict):
        for key in _READ_ONLY:
            result["metadata"].pop(key, None)
    return result


def underscored(wanted: Tree) -> Tree:
    """Keys as Pulumi's SDKs spell them."""
    return _renamed(wanted, _UNDERSCORED)


def annotation(wanted: Mapping[str, Any], name: str) -> str:
    """An annotation `pulumi.com/NAME`; empty when absent."""
    metadata = wanted.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    value = annotations.get(f"pulumi.com/{name}") if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def named(wanted: dict[str, Any], old: Mapping[str, Any], base: str, seed: bytes) -> None:
    """Give `wanted` the old object's generated name, or a new one, where the program gives none."""
    metadata = wanted.setdefault("metadata", {})
    if metadata is UNKNOWN or metadata.get("name") or metadata.get("generateName"):
        return
    if annotation(old, "autonamed") == "true":
        metadata["name"] = old["metadata"]["name"]
    elif seed:
        metadata["name"] = f"{base}-{hashlib.sha256(seed).hexdigest()[:8]}"
    else:
        metadata["name"] = unique(f"{base}-")
    if metadata.get("annotations") is not UNKNOWN:
        metadata.setdefault("annotations", {})[AUTONAMED] = "true"


def identifier(live: Mapping[str, Any]) -> str:
    """Pulumi's id: `namespace/name`, or the name."""
    metadata = live["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def with_secrets(target: Tree, source: Tree) -> Tree:
    """`target` with everything secret that is secret at the same place in `source`."""
    if isinstance(source, Secret):
        return Secret(plain(target))
    if isinstance(target, dict) and isinstance(source, dict):
        return {key: with_secrets(item, source.get(key)) for key, item in target.items()}
    if isinstance(target, list) and isinstance(source, list):
        return [with_secrets(item, source[i] if i < len(source) else None) for i, item in enumerate(target)]
    return target


def checkpoint(inputs: Properties, live: Mapping[str, Any], api_version: str, manager: str) -> Properties:
    """What the state keeps: the live object, the inputs beside it, and who manages the fields."""
    state: Properties = with_secrets(_renamed(dict(live), _UNDERSCORED), inputs)
    if live.get("kind") == "Secret" and "stringData" in inputs and "data" in state:
        state["data"] = with_secrets(state["data"], inputs["stringData"])
    clean = {key: value for key, value in inputs.items() if key not in _STATE_KEYS}
    return {**state, "__inputs": clean, "__initialApiVersion": api_version, "__fieldManager": manager}


def inputs_of(state: Properties) -> Properties:
    """The inputs that a state was made from."""
    inputs = plain(state.get("__inputs", {}))
    return inputs if isinstance(inputs, dict) else {}


def live_of(state: Properties) -> dict[str, Any]:
    """The live object that a state keeps."""
    result: dict[str, Any] = _renamed(plain({k: v for k, v in state.items() if k not in _STATE_KEYS}), _DASHED)
    return result


def refreshed(inputs: Tree, before: Tree, now: Tree) -> Tree:
    """The inputs with every part that drifted replaced by what is live now.

    What the server always stores differently from what it was sent (quantities, defaults, write-only fields) has not
    changed since the last apply, so it is no drift.
    """
    if before == now:
        return inputs
    if isinstance(inputs, dict) and isinstance(before, dict) and isinstance(now, dict):
        kept = {key: value for key, value in inputs.items() if key in now or key not in before}
        return {key: refreshed(value, before.get(key), now.get(key)) for key, value in kept.items()}
    if isinstance(inputs, list) and isinstance(before, list) and isinstance(now, list):
        if len(inputs) == len(before) == len(now):
            return [refreshed(*parts) for parts in zip(inputs, before, now, strict=True)]
        return now
    return now if now is not None else inputs
