"""Whose a host is, as `sitectl` reads it: the owner that the host keeps, against this stack and its state."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from components.hostrun.owner import Owner
from components.hostrun.report import Check
from ops.flags import Flags
from ops.record import COMMAND, host_of
from ops.state import plain
from ops.stop import Stop

STASH = "pulumi:index:Stash"
NAME = "hosts-state"
FORM = "%Y%m%dT%H%M%SZ"
RUN = re.compile(r" \d{8}T\d{6}Z$")
"""The word of an earlier interruption."""


@dataclass(frozen=True)
class State:
    """What the state says of itself (components/host/component.py): its id, and by host when a run was interrupted."""

    id: str = ""
    runs: Mapping[str, str] = field(default_factory=dict)


def stash(state: Mapping[str, Any]) -> dict[str, Any] | None:
    """The resource in an exported state; None in one that never had a host, and in one of an earlier release."""
    for resource in state["deployment"].get("resources") or []:
        if resource["type"] == STASH and resource["urn"].endswith(f"::{NAME}"):
            found: dict[str, Any] = resource
            return found
    return None


def interrupted(state: dict[str, Any], operations: Iterable[Mapping[str, Any]]) -> None:
    """Notes in an exported state on which hosts a run was interrupted: what it left on its way there is old by now.

    The next up tells each of them. The deletes that the state has for them are given the same word, so that they pass.
    """
    hosts = {host_of(operation["resource"]) for operation in operations if operation["resource"]["type"] == COMMAND}
    if (own := stash(state)) is None or not hosts:
        return
    known = own["outputs"].get("output") or {}
    runs = {host: _word(known.get(host)) for host in hosts}
    own["outputs"]["output"] = {**known, **runs}
    for resource in state["deployment"]["resources"]:
        if resource["type"] != COMMAND or not (command := resource["inputs"].get("delete")):
            continue
        if run := runs.get(host_of(resource)):
            undone = f"{RUN.sub('', command)} {run}"
            resource["inputs"]["delete"] = resource["outputs"]["delete"] = undone


def _word(last: str | None) -> str:
    """The time, as the word of an interruption. Later than the host's last one, also if the clock here was set back."""
    now = datetime.now(UTC)
    if last:
        now = max(now, datetime.strptime(last, FORM).replace(tzinfo=UTC) + timedelta(seconds=1))
    return now.strftime(FORM)


def of_stack(stack: str, folder: Path) -> State:
    """What the stack's state says of itself. Raises Stop."""
    found = stash(plain(stack, folder))
    return State(found["id"], found["outputs"].get("output") or {}) if found else State()


def reader(flags: Flags) -> Callable[[], str]:
    """Gives the id of the stack's state, asking Pulumi once; says why where it cannot be read."""

    @cache
    def read() -> str:
        try:
            return of_stack(flags.stack, flags.folder).id
        except Stop as stop:
            flags.say(f"? whether another state of this stack has the hosts was not asked: {stop.lines[0]}")
            return ""

    return read


def named(own: Mapping[str, str]) -> str:
    """`stack gpu-metal/lab (site rack7)`."""
    return str(Owner(own["project"], own["stack"], "" if own["site"] == "-" else own["site"]))


def is_other(own: Mapping[str, str], mine: Owner) -> bool:
    """Whether another project, stack or site has the host (judge_owner in owner.sh says the same on the host)."""
    names = (own["project"], own["stack"]) == (mine.project, mine.stack)
    return not names or own["site"] not in ("-", mine.site or "-")


def stranger(host: str, own: Mapping[str, str] | None, mine: Owner, state: Callable[[], str]) -> Check | None:
    """The check of a host that is another's; None where it is ours or nobody's.

    `state` gives the id of this stack's state, empty where it cannot be read; it is asked only if the names are ours.
    """
    if own is None:
        return None
    if is_other(own, mine):
        saw = f"belongs to {named(own)} since {own['since']}; what {mine} applied may be gone."
        fix = f"take it out of this site; if it is to change hands, sitectl adopt {host} shows what that would change"
        return Check("owner", host, "failed", saw, str(mine), fix)
    if own["state"] == "-" or not (id_ := state()) or id_ == own["state"]:
        return None
    saw = f"was set up last by another state of {named(own)}, which has it since {own['since']}."
    fix = f"use the state that has it (pulumi login); if this one is right: sitectl adopt {host}"
    return Check("owner", host, "failed", saw, "one state of a stack", fix)
