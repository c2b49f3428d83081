"""`sitectl upgrade plan`: what `pulumi up` would do to take the cluster to the site's Kubernetes, or to its engine.

The versions are those of the stack's state, so it needs no host. Where a control plane answers, it adds what each node
runs now, and its running jobs with GPUs.

Rows: X20, K9.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer

from components.gpu.pods import ASKED
from components.kubernetes.upgrade import Move, versions
from ops import render
from ops import site as sites
from ops.flags import Flags, Output
from ops.in_cluster import Kubectl, with_cluster
from ops.record import COMMAND, name_of
from ops.state import export
from ops.stop import Code, Stop
from stacks.model import Site
from stacks.upgrade import drained, engine, engines_planned, forbidden_of, planned

NODES = (
    r'{range .items[*]}{.metadata.name}{"\t"}{.status.nodeInfo.kubeletVersion}{"\t"}'
    r'{.status.nodeInfo.containerRuntimeVersion}{"\n"}{end}'
)
PODS = (
    r'{range .items[*]}{.spec.nodeName}{"\t"}{.spec.restartPolicy}{"\t"}{.metadata.namespace}/{.metadata.name}{"\t"}'
    r'{.spec.containers[*].resources.limits}{.metadata.annotations}{"\t"}{.spec.resourceClaims[*].name}{"\n"}{end}'
)


@dataclass(frozen=True)
class Live:
    """What the cluster says, by node."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Of Kubernetes, such as 1.34.2."""
    engines: Mapping[str, str] = field(default_factory=dict)
    """The container engine, such as containerd://2.1.5."""
    jobs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """NAMESPACE/NAME of running pods with GPUs that end by themselves."""


def plan(flags: Flags) -> Code:
    """Prints the plan; NO when it cannot be done. Raises Stop."""
    site = sites.load(flags)
    if site.kubernetes is None:
        raise Stop(Code.WRONG, ["The site has no cluster, so there is nothing to upgrade."])
    layers = _layers(export(flags.stack, flags.folder))
    moves, engines = planned(site, layers), engines_planned(site, layers)
    why = forbidden_of(site, moves, engines)
    wanted = site.kubernetes.version if moves or not engines else engine(site)
    moves = moves or engines
    live, silent = _ask(flags, site) if moves else (Live(), [])
    if flags.form is Output.NAME:
        typer.echo("\n".join(move.node for move in moves))
    elif flags.form is not Output.TABLE:
        nodes = [_row(site, move, live, wanted) for move in moves]
        text = why[1] if why else None
        render.data(flags, {"ok": why is None, "to": wanted, "forbidden": text, "asked": not silent, "nodes": nodes})
    elif moves:
        rows = [_row(site, move, live, wanted) for move in moves]
        heads = ["ORDER", "NODE", "ROLE", "FROM", "TO", "RUNS", "WORK", "JOBS WITH GPUS"]
        render.table(flags, heads, [[_cell(row[key]) for key in _KEYS] for row in rows])
    for line in silent:
        flags.say(line)
    if why:
        flags.say(f"✗ {why[0]}: {why[1]}")
        return Code.NO
    flags.say(_last(site, moves, versions(layers), wanted))
    return Code.YES


_KEYS = ("order", "node", "role", "from", "to", "runs", "work", "jobs")


def _layers(state: Mapping[str, Any]) -> dict[str, str]:
    found = state["deployment"].get("resources") or []
    return {name_of(each): str(each["inputs"].get("create", "")) for each in found if each["type"] == COMMAND}


def _row(site: Site, move: Move, live: Live, wanted: str) -> dict[str, Any]:
    assert site.kubernetes is not None  # noqa: S101 - only asked of a site with a cluster
    running = live.versions if wanted == site.kubernetes.version else live.engines
    return {
        "order": move.order,
        "node": move.node,
        "role": move.role,
        "from": move.before,
        "to": wanted,
        "runs": running.get(move.node),
        "work": drained(site, move),
        "jobs": list(live.jobs.get(move.node, ())) if live.versions else None,
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "-" if value is None else str(value)


def _last(site: Site, moves: Sequence[Move], known: Mapping[str, str | None], wanted: str) -> str:
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
    what = "upgrades" if wanted == site.kubernetes.version else "changes the container engine of"
    text = f"pulumi up {what} {render.plural(len(moves), 'node')}{when}; on each, {wait}pods move away within "
    return f"{text}{rolling.drain_timeout} s. A node that fails stops it; pulumi up then goes on."


def _ask(flags: Flags, site: Site) -> tuple[Live, list[str]]:
    """What the cluster says, or why it does not."""

    async def work(kubectl: Kubectl) -> Live:
        nodes = [line.split("\t") for line in (await kubectl.show("nodes", NODES)).splitlines()]
        jobs: dict[str, list[str]] = {}
        for line in (await kubectl.show("pods -A --field-selector=status.phase=Running", PODS)).splitlines():
            node, policy, pod, asks, claims = (*line.split("\t"), "", "", "", "")[:5]
            # Pods that are always started again are no jobs.
            if policy != "Always" and (claims or any(f'"{word}' in asks for word in ASKED)):
                jobs.setdefault(node, []).append(pod)
        found = {node: version.removeprefix("v") for node, version, *_ in nodes if version}
        return Live(found, {node: engine for node, _, engine, *_ in nodes if engine}, jobs)

    try:
        return with_cluster(flags, site, work), []
    except Stop as stop:
        return Live(), [*stop.lines, "So what the nodes run now is not known."]
