"""`sitectl upgrade plan`: what `pulumi up` would do to take the cluster to the site's version of Kubernetes.

The versions are those of the stack's state, so it needs no host. Where a control plane answers, it adds what each node
runs now, and its running jobs with GPUs.

Rows: X20, K9.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer

from components.gpu.pods import ASKED
from components.kubernetes.upgrade import Move, forbidden, versions
from ops import render
from ops import site as sites
from ops.flags import Flags, Output
from ops.in_cluster import Kubectl, with_cluster
from ops.record import COMMAND, name_of
from ops.state import export
from ops.stop import Code, Stop
from stacks.model import Site
from stacks.upgrade import drained, planned

NODES = r'{range .items[*]}{.metadata.name}{"\t"}{.status.nodeInfo.kubeletVersion}{"\n"}{end}'
PODS = (
    r'{range .items[*]}{.spec.nodeName}{"\t"}{.spec.restartPolicy}{"\t"}{.metadata.namespace}/{.metadata.name}{"\t"}'
    r'{.spec.containers[*].resources.limits}{.metadata.annotations}{"\t"}{.spec.resourceClaims[*].name}{"\n"}{end}'
)


@dataclass(frozen=True)
class Live:
    """What the cluster says, by node."""

    versions: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """NAMESPACE/NAME of running pods with GPUs that end by themselves."""


def plan(flags: Flags) -> Code:
    """Prints the plan; NO when Kubernetes cannot do it. Raises Stop."""
    site = sites.load(flags)
    if site.kubernetes is None:
        raise Stop(Code.WRONG, ["The site has no cluster, so there is nothing to upgrade."])
    wanted = site.kubernetes.version
    layers = _layers(export(flags.stack, flags.folder))
    moves = planned(site, layers)
    why = forbidden(wanted, moves)
    live, silent = _ask(flags, site) if moves else (Live(), [])
    if flags.form is Output.NAME:
        typer.echo("\n".join(move.node for move in moves))
    elif flags.form is not Output.TABLE:
        nodes = [_row(site, move, live) for move in moves]
        render.data(flags, {"ok": why is None, "to": wanted, "forbidden": why, "asked": not silent, "nodes": nodes})
    elif moves:
        rows = [_row(site, move, live) for move in moves]
        heads = ["ORDER", "NODE", "ROLE", "FROM", "TO", "RUNS", "WORK", "JOBS WITH GPUS"]
        render.table(flags, heads, [[_cell(row[key]) for key in _KEYS] for row in rows])
    for line in silent:
        flags.say(line)
    if why:
        flags.say(f"✗ kubernetes.version: {why}")
        return Code.NO
    flags.say(_last(site, moves, versions(layers)))
    return Code.YES


_KEYS = ("order", "node", "role", "from", "to", "runs", "work", "jobs")


def _layers(state: Mapping[str, Any]) -> dict[str, str]:
    found = state["deployment"].get("resources") or []
    return {name_of(each): str(each["inputs"].get("create", "")) for each in found if each["type"] == COMMAND}


def _row(site: Site, move: Move, live: Live) -> dict[str, Any]:
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    return {
        "order": move.order,
        "node": move.node,
        "role": move.role,
        "from": move.before,
        "to": site.kubernetes.version,
        "runs": live.versions.get(move.node),
        "work": drained(site, move),
        "jobs": list(live.jobs.get(move.node, ())) if live.versions else None,
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "-" if value is None else str(value)


def _last(site: Site, moves: Sequence[Move], known: Mapping[str, str | None]) -> str:
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    if not moves and not known.keys() & site.hosts.keys():
        return (
            f"The state of stack {site.name} has no member yet: pulumi up makes or takes over the cluster, with "
            f"Kubernetes {site.kubernetes.version}. If a cluster runs already, write the version that it has, pulumi "
            "up; then the new one."
        )
    if not moves:
        return f"✓ every member has Kubernetes {site.kubernetes.version} in the stack's state: nothing to upgrade."
    rolling = site.kubernetes.rolling
    wait = f"jobs with GPUs have {rolling.wait_for_jobs} min to end, then " if rolling.wait_for_jobs else ""
    when = f", in the window {rolling.window}" if rolling.window else ""
    text = f"pulumi up upgrades {render.plural(len(moves), 'node')}{when}; on each, {wait}pods move away within "
    return f"{text}{rolling.drain_timeout} s. A node that fails stops it; pulumi up then goes on."


def _ask(flags: Flags, site: Site) -> tuple[Live, list[str]]:
    """What the cluster says, or why it does not."""

    async def work(kubectl: Kubectl) -> Live:
        versions = dict(_pairs(await kubectl.show("nodes", NODES)))
        jobs: dict[str, list[str]] = {}
        for line in (await kubectl.show("pods -A --field-selector=status.phase=Running", PODS)).splitlines():
            node, policy, pod, asks, claims = (*line.split("\t"), "", "", "", "")[:5]
            # Pods that are always started again are no jobs.
            if policy != "Always" and (claims or any(f'"{word}' in asks for word in ASKED)):
                jobs.setdefault(node, []).append(pod)
        return Live({node: version.removeprefix("v") for node, version in versions.items()}, jobs)

    try:
        return with_cluster(flags, site, work), []
    except Stop as stop:
        return Live(), [*stop.lines, "So what the nodes run now is not known."]


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(node, version) for node, _, version in (line.partition("\t") for line in text.splitlines()) if version]
