"""`sitectl project purge`: takes away what a project that left the site has kept in the cluster; data only by --data.

Rows: S5.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops import in_cluster, namespaces, render
from ops import site as sites
from ops.asking import agreed, typed
from ops.flags import Flags, Output
from ops.in_cluster import Kubectl
from ops.namespaces import Inside
from ops.state import export
from ops.stop import Code, Stop

NOTHING = "Nothing was deleted."
POLL = 1.0
"""Seconds between two looks at what ends."""


@dataclass(frozen=True)
class Purge:
    """One call, with what it was told."""

    flags: Flags
    name: str
    data: bool


def project(flags: Flags, name: str, *, data: bool) -> Code:
    """Shows what is left, asks, and deletes. Raises Stop."""
    site = sites.load(flags)
    in_site(flags, "projects", name, site.projects)
    if name == "default" or name.startswith("kube-"):
        raise Stop(Code.WRONG, [f"{name}: is a namespace of Kubernetes itself. {NOTHING}"])
    if left := [urn for urn, spaces in _namespaces_of(flags) if name in spaces]:
        text = f"{name}: the stack's state still has {render.plural(len(left), 'object')} of it. {NOTHING}"
        raise Stop(Code.NO, [f"{text} Fix: pulumi up"])
    return in_cluster.with_cluster(flags, site, lambda kubectl: _project(kubectl, Purge(flags, name, data)))


def in_site(flags: Flags, key: str, name: str, there: Mapping[str, object]) -> None:
    """Raises Stop for a name that the site still has."""
    if name in there:
        verb = f"sitectl {key.removesuffix('s')} remove {name}"
        text = f"{key}.{name}: is still in the site of {flags.stack}. {NOTHING}"
        raise Stop(Code.NO, [f"{text} Fix: {verb} && pulumi up"])


def _namespaces_of(flags: Flags) -> list[tuple[str, set[str]]]:
    """Each object of the state that the next run would still delete or keep, with the namespace that it is or is in."""
    found = []
    for resource in export(flags.stack, flags.folder)["deployment"].get("resources") or ():
        metadata = (resource.get("inputs") or {}).get("metadata")
        if resource["type"].startswith("kubernetes:") and isinstance(metadata, dict):
            key = "name" if resource["type"].endswith(":Namespace") else "namespace"
            found.append((resource["urn"], {str(metadata.get(key, ""))}))
    return found


async def _project(kubectl: Kubectl, call: Purge) -> Code:
    namespace = await kubectl.get("namespace", call.name)
    if namespace is None:
        return _done(call, [], [], f"There is no namespace {call.name}: nothing is left of that project.")
    if not namespaces.ours(namespace):
        text = f"{kubectl.target.name} [namespace] {call.name} was not made for a project of gpu-metal. {NOTHING}"
        raise Stop(Code.NO, [f"{text} Fix: if it must go: kubectl delete namespace {call.name}"])
    if namespace["metadata"].get("deletionTimestamp"):
        return await _until_it_ends(kubectl, call, [], [])
    inside = await namespaces.look(kubectl, call.name)
    _show(call, inside)
    if not call.data:
        _outlives(call, inside)
    if not _agreed(call, inside):
        call.flags.say(NOTHING)
        return Code.NO
    if (await namespaces.look(kubectl, call.name)).data != inside.data:
        raise Stop(Code.NO, [f"{call.name}: its volume claims or snapshots changed meanwhile. {NOTHING} Fix: repeat."])
    if inside.data and not call.data:
        return await _all_but_data(kubectl, call, inside)
    await kubectl.run("delete", "namespace", call.name, "--wait=false")
    kept = [f"{each}: its data stays where the volume is" for each in inside.claims if each.policy == "Retain"]
    return await _until_it_ends(kubectl, call, [f"namespace {call.name}", *inside.data], kept)


def _show(call: Purge, inside: Inside) -> None:
    say = call.flags.say
    for line in inside.by_kind():
        say(f"goes : {line}")
    if inside.pods:
        say(f"       {render.plural(len(inside.pods), 'pod')} of these RUN")
    for each in inside.data:
        say(f"{'goes ' if call.data else 'stays'}: {each}")


def _outlives(call: Purge, inside: Inside) -> None:
    """Raises Stop for a claim that Kubernetes would take away with what goes."""
    lines = []
    for claim in inside.claims:
        if claim.owner:
            text = f"{call.name}: Kubernetes deletes claim {claim.name} with its {claim.owner}."
            keep = f"kubectl -n {call.name} delete {claim.owner.lower()} --cascade=orphan"
            lines.append(f"{text} Fix: to keep it: {keep}; to delete it: --data")
    if lines:
        raise Stop(Code.NO, [*lines, NOTHING])


def _agreed(call: Purge, inside: Inside) -> bool:
    what = "all but the data" if inside.data and not call.data else "the namespace with all that is in it"
    if not typed(call.flags, f"Delete {what}?", call.name, NOTHING):
        return False
    if not inside.data or not call.data:
        return True
    count = render.plural(len(inside.claims), "volume claim")
    if inside.snapshots:
        count += f" and {render.plural(len(inside.snapshots), 'snapshot')}"
    return agreed(call.flags, f"Delete the DATA of {count} too? It does not come back", NOTHING)


async def _all_but_data(kubectl: Kubectl, call: Purge, inside: Inside) -> Code:
    items = [
        {
            "apiVersion": each["apiVersion"],
            "kind": each["kind"],
            "metadata": {"name": each["name"], "namespace": call.name},
        }
        for each in inside.objects
    ]
    if items:
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        await kubectl.run("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=stdin)
    stays = [f"namespace {call.name}", *inside.data]
    last = f"The data stays, and the namespace with it. To delete the data: sitectl project purge {call.name} --data"
    return _done(call, inside.by_kind(), stays, last)


async def _until_it_ends(kubectl: Kubectl, call: Purge, gone: Sequence[str], kept: Sequence[str]) -> Code:
    """Waits for the namespace; where it does not end, says why, and forces nothing."""
    clock = asyncio.get_running_loop().time
    end = clock() + call.flags.timeout
    while await kubectl.get("namespace", call.name):
        if clock() > end:
            text = f"{kubectl.target.name} [namespace] {call.name} was deleted and still ends"
            lines = [f"{text}: {line}" for line in await namespaces.why_it_stays(kubectl, call.name)]
            fix = "Fix: remove what holds it (a node that will not come back: state: gone, then pulumi up)"
            raise Stop(Code.TIME_UP, [*lines, f"The name is free when it has ended. {fix}; repeat to wait again."])
        await asyncio.sleep(POLL)
    return _done(call, gone, kept, f"Namespace {call.name} is gone. The name is free.")


def _done(call: Purge, gone: Sequence[str], stays: Sequence[str], last: str) -> Code:
    flags = call.flags
    if flags.form is Output.TABLE:
        for line in stays:
            flags.say(f"stays: {line}")
        flags.say(last)
    elif flags.form is not Output.NAME:
        answer: dict[str, Any] = {"ok": True, "name": call.name, "deleted": list(gone), "stays": list(stays)}
        render.data(flags, answer)
    return Code.YES
