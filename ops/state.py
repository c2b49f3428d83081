"""What the stack's state says of hosts: those that it alone still knows, and operations that never ended."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from components.hostrun.target import Target, of_state
from ops.record import COMMAND, host_of
from ops.site import project, pulumi

MARK = "4dabf18193072939515e22adb298388d"
"""The key by which the state marks a value as secret."""
FORM = 3
"""Of the file in which a backend of plain files has a state."""


def export(stack: str, folder: Path, *, reveal: bool = False) -> dict[str, Any]:
    """The state; its secrets are encrypted unless `reveal`. Raises Stop."""
    words = ["stack", "export", *(["--show-secrets"] if reveal else [])]
    return dict(json.loads(pulumi(words, stack, folder)))


def plain(stack: str, folder: Path) -> dict[str, Any]:
    """The state with its secrets encrypted, from its file where the backend is a folder: to start `pulumi` takes longer
    than a host's answer. Any other backend, and a file of another form, is left to `pulumi`. Raises Stop."""
    url = os.environ.get("PULUMI_BACKEND_URL", "")
    if not url.startswith("file://") or "/" in stack:
        return export(stack, folder)
    root = folder / Path(url.removeprefix("file://").partition("?")[0]).expanduser()
    try:
        saved = json.loads((root / ".pulumi/stacks" / project(folder) / f"{stack}.json").read_bytes())
        if saved["version"] != FORM:
            return export(stack, folder)
        return {"deployment": saved["checkpoint"]["latest"] or {}}
    except (OSError, ValueError, KeyError, TypeError):
        return export(stack, folder)  # it says what is wrong


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
