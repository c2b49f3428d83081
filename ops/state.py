"""What the stack's state says of hosts: those that it alone still knows, and operations that never ended."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from components.hostrun.target import Target, of_state
from ops.record import COMMAND, host_of
from ops.site import pulumi

MARK = "4dabf18193072939515e22adb298388d"
"""The key by which the state marks a value as secret."""


def export(stack: str, folder: Path, *, reveal: bool = False) -> dict[str, Any]:
    """The state; its secrets are encrypted unless `reveal`. Raises Stop."""
    words = ["stack", "export", *(["--show-secrets"] if reveal else [])]
    return dict(json.loads(pulumi(words, stack, folder)))


def pending_of(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The operations that were begun and never recorded."""
    return state["deployment"].get("pending_operations") or []


def hosts_of(state: Mapping[str, Any], site: Collection[str], stack: str, folder: Path) -> dict[str, Target]:
    """The hosts that the state has and the site has not, as a delete would reach them. Raises Stop."""
    if not any(host not in site for host, _ in _commands(state)):
        return {}
    # Only now, as it needs the stack's passphrase: a host is reached by the key or password in the state.
    found: dict[str, Target] = {}
    for host, inputs in _commands(export(stack, folder, reveal=True)):
        if host not in site and host not in found:
            # `create` has a mark of `sitectl drift --record` in its place at times.
            sudo = str(inputs.get("delete") or inputs["create"]).startswith("sudo ")
            found[host] = of_state(host, _plain(inputs["connection"]), sudo=sudo)
    return found


def _commands(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Host and inputs of each command that would still connect."""
    begun = [operation["resource"] for operation in pending_of(state)]
    for resource in [*(state["deployment"].get("resources") or []), *begun]:
        if resource.get("type") == COMMAND and "inputs" in resource and not resource.get("retainOnDelete"):
            yield host_of(resource), resource["inputs"]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value without the marks of secrets."""
    if isinstance(value, dict):
        if MARK in value:
            return json.loads(value["plaintext"])
        return {key: _plain(one) for key, one in value.items()}
    return value
