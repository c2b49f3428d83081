"""Builds the whole site, in the order in which it comes up."""

from collections.abc import Mapping, Sequence
from functools import partial

import pulumi

from components.engine.component import Engines
from components.gpu.component import Gpus
from components.host.component import Hosts, Plan
from components.host.config import Host
from components.host.targets import targets
from components.hostrun.layer import HostRef
from components.hostrun.step import Step
from components.hostrun.target import Target
from components.kubernetes.returned import times
from components.kubernetes.runtime import ENGINE
from components.kubernetes.turn import Turns
from components.parts.component import OnHosts
from components.parts.part import Wave
from stacks import plan, state, upgrade
from stacks.checks_files import expiring
from stacks.ground import in_order, waves
from stacks.model import Entry, Site
from stacks.secrets import Secrets


def build(site: Site, secrets: Secrets) -> Mapping[str, pulumi.Input[object]]:
    """Builds the site; returns the stack's outputs. Everything is decided by `site` alone, so preview needs no host.

    Except of hosts that are gone: of them it has what the state has, to be forgotten. And the order in which members of
    a cluster change their version: that is of those that have another one in the state.
    """
    for note in expiring(site):
        pulumi.log.warn(note)
    reached = targets(site.hosts, secrets.reveal)
    drivers = {name: plan.gpu(host) for name, host in site.hosts.items()}
    on_them = {name: plan.engine(site, host) for name, host in site.hosts.items()}
    halves = _on_hosts(site)
    rooms = [("gpu", drivers), ("engine", on_them), *((w.layer, w.steps) for _, layers in halves for w in layers)]
    known = state.outputs() if site.kubernetes or len(site.active) < len(site.hosts) else {}
    hosts = Hosts(
        "hosts",
        site.hosts,
        Plan(partial(plan.preflight, site), partial(plan.base, site), partial(_layers, site, rooms)),
        targets=reached,
        secret=secrets.output,
        owner=site.owner,
        recorded=frozenset(known),
    )
    gpus = Gpus("gpus", drivers, hosts=hosts.refs) if any(drivers.values()) else hosts
    lines = {name: str(values.get("create", "")) for name, values in known.items()}
    moves, engine_moves = upgrade.turns(site, lines) if site.kubernetes else (None, None)
    # The layers of a host follow one another: each half builds on the refs that the previous one returns.
    refs = _engines(site, on_them, gpus.refs, engine_moves, reached)
    for entry, layers in halves:
        refs = OnHosts(entry.name, entry.token(), layers, hosts=refs, targets=reached).refs
    outputs: dict[str, pulumi.Input[object]] = {"hosts": [host.name for host in site.active]}
    if moves is None:
        return outputs
    from stacks import cluster  # noqa: PLC0415 - pulumi_kubernetes is a third of the program's start

    back = times(lines, [host.name for host in site.active])
    return outputs | cluster.build(site, refs, reached, secrets, moves, back)


def _engines(
    site: Site,
    steps: Mapping[str, Sequence[Step]],
    refs: Mapping[str, HostRef],
    turns: Turns | None,
    reached: Mapping[str, Target],
) -> Mapping[str, HostRef]:
    """The engines' layers; those of nodes that change their engine in turn, one after the other."""
    if not any(steps.values()):
        return refs
    registry, moving = site.registry.host if site.registry else None, turns.nodes if turns else []
    hooks, waits = {}, {}
    if turns and moving:
        asked = [reached[plane.name] for plane in site.control_planes]
        hooks = turns.hooks(asked, {node: f"{node}{ENGINE}" for node in moving})
        waits = {node: former for node in moving if (former := turns.former(node))}
    return Engines("engines", steps, hosts=refs, registry=registry, hooks=hooks, waits=waits).refs


def _on_hosts(site: Site) -> list[tuple[Entry, Sequence[Wave]]]:
    entries = in_order(site.entries)
    return [(entry, waves(site, entry)) for entry in entries if entry.part.host]


def _layers(site: Site, rooms: Sequence[tuple[str, Mapping[str, Sequence[Step]]]], host: Host) -> list[str]:
    own = [layer for layer, steps in rooms if steps.get(host.name)]
    return ["base", *own, *(plan.cluster(site, host) if site.kubernetes else ())]
