"""Writes drift into the stack's state, so that preview shows it and `pulumi up` mends it.

`pulumi refresh` asks providers, which cannot read a command back: it never finds drift. So this writes the hosts'
answers where a refresh would: into the recorded inputs of the layer, at the line of the step.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.hostrun.report import Check
from ops.site import pulumi

COMMAND = "command:remote:Command"
MEND = "sitectl drift --record, then pulumi up"
"""The line that brings back what was applied. A check that names it is recorded, also where it is only unknown."""

RENEWED = ("node/certificates", "node/kubeconfig_read")
"""Checks by which the stack's copy of the kubeconfig ends sooner than that of the host."""


def record(checks: Iterable[Check], stack: str, folder: Path) -> list[str]:
    """Marks each failed step in the state; returns the names of the resources that the next up will update.

    A host that lacks the file of a step gets the library again, with the runner's resource.
    """
    drifted: dict[tuple[str, str], list[Check]] = {}
    empty: set[str] = set()
    without: set[str] = set()
    for check in checks:
        layer, _, step = check.id.partition("/")
        if step and (check.status == "failed" or MEND in check.fix):
            drifted.setdefault((check.host, layer), []).append(check)
            without |= {f"{check.host}-runner"} if step == "library" else set()
        elif check.status == "failed" and check.id == "runner":
            empty.add(check.host)
    if not drifted and not empty:
        return []
    state = json.loads(pulumi(["stack", "export"], stack, folder))
    marked = [name for name, changed in _layers(state, drifted) if changed]
    marked += _lost(state, lambda resource: host_of(resource) in empty, "nothing is applied on the host")
    marked += _lost(state, lambda resource: name_of(resource) in without, "the host's library lacks a step")
    renewed = {host for (host, _), found in drifted.items() if any(check.id in RENEWED for check in found)}
    marked += _lost(state, lambda resource: _is_kubeconfig(resource, renewed), "the cluster's certificates are renewed")
    if marked:
        pulumi(["stack", "import"], stack, folder, stdin=json.dumps(state))
    return marked


def _layers(state: dict[str, Any], drifted: dict[tuple[str, str], list[Check]]) -> Iterator[tuple[str, bool]]:
    """Marks every layer with drift in place; yields each with whether there was something to mark."""
    for resource in state["deployment"].get("resources") or []:
        if resource["type"] != COMMAND:
            continue
        name = name_of(resource)
        before = resource["inputs"]["create"]
        if checks := drifted.get((host_of(resource), _layer(before)), []):
            after = _mark(before, checks)
            resource["inputs"]["create"] = resource["outputs"]["create"] = after
            yield name, after != before


def again(hosts: Sequence[str], why: str, stack: str, folder: Path) -> list[str]:
    """Marks all resources of the hosts in the state, so that the next up applies them; returns their names."""
    state = json.loads(pulumi(["stack", "export"], stack, folder))
    if marked := list(_lost(state, lambda resource: host_of(resource) in hosts, why)):
        pulumi(["stack", "import"], stack, folder, stdin=json.dumps(state))
    return marked


def _lost(state: dict[str, Any], which: Callable[[Mapping[str, Any]], bool], why: str) -> Iterator[str]:
    """Whole resources, marked: for example all of a host whose disk was erased."""
    for resource in state["deployment"].get("resources") or []:
        # The kubeconfig and the memberships that a lost control plane kept are among them.
        if resource["type"] == COMMAND and which(resource):
            resource["inputs"]["create"] = resource["outputs"]["create"] = f"DRIFTED {why}"
            yield name_of(resource)


def name_of(resource: Mapping[str, Any]) -> str:
    """Its name in the program."""
    return str(resource["urn"]).rpartition("::")[2]


def host_of(resource: Mapping[str, Any]) -> str:
    """The host of a resource: that of the runner with which it is deleted. A runner has no such reference."""
    return str(resource.get("deletedWith", name_of(resource))).rpartition("::")[2].rpartition("-")[0]


def _is_kubeconfig(resource: Mapping[str, Any], hosts: Collection[str]) -> bool:
    marked = str(resource["inputs"]["create"]).startswith("DRIFTED")
    return name_of(resource).endswith("-kubeconfig") and host_of(resource) in hosts and not marked


def _layer(create: str) -> str:
    """The layer that a command line applies."""
    applied = re.search(r"gpu-metal apply (\S+)", create)
    return applied[1] if applied else ""


def _mark(create: str, checks: Iterable[Check]) -> str:
    """The command line as applied, with each drifted step replaced by its finding.

    Findings without a line (a run that did not end, a step that has left the site) get one of their own.
    """
    untrue = {check.id.partition("/")[2]: check for check in checks}
    lines = [_line(line, untrue) for line in create.split("\n") if " DRIFTED " not in line or line.startswith("  ::")]
    lines += [f"# {id_} DRIFTED {check.saw}" for id_, check in untrue.items()]
    return "\n".join(lines)


def _line(line: str, untrue: dict[str, Check]) -> str:
    if not line.startswith("  :: "):
        return line
    ref = line.split()[1].strip("'")
    script, _, rest = ref.partition("@")
    label = rest.partition("#")[2]
    check = untrue.pop(f"{script}#{label}" if label else script, None)
    return f"  :: {ref} DRIFTED {check.saw}" if check else line
