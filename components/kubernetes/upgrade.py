"""Which nodes an `up` takes to another version of Kubernetes, in which order, and what it must not do. Pure.

The rules: one minor version at a time, the API servers first, and no kubelet newer than an API server.
https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/, https://kubernetes.io/releases/version-skew-policy/
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.host.config import Host

_STEP = re.compile(r"kubernetes_version@\S+ .*?\bversion=(\d+\.\d+\.\d+)\b")
LAYER = "-node"
"""The end of the name of the resource that holds a host's version."""


@dataclass(frozen=True, slots=True)
class Move:
    """A node that changes its version."""

    node: str
    role: str
    """control-plane or worker."""
    before: str | None
    """The version that the stack's state has; None where it does not say."""
    order: int
    """From 1 on; nodes of one number go at the same time."""


def version_of(create: str) -> str | None:
    """The version in the command line of a layer `node`; None where it has none, as `drift --record` marked it."""
    found = _STEP.search(create)
    return found[1] if found else None


def versions(layers: Mapping[str, str]) -> dict[str, str | None]:
    """By host: the version in the stack's state. `layers` are command lines by the names of their resources.

    Without a host whose layer is lost as a whole, as `drift --record` marks one with a new disk: it joins as a new one.
    """
    nodes = {name.removesuffix(LAYER): text for name, text in layers.items() if name.endswith(LAYER)}
    return {name: version_of(text) for name, text in nodes.items() if not text.startswith("DRIFTED ")}


def moves(
    wanted: str, known: Mapping[str, str | None], planes: Sequence[Host], hosts: Sequence[Host], at_once: int
) -> list[Move]:
    """The nodes that change, in order: control planes one by one, then workers, `at_once` of them at a time.

    `known` has the members' versions by host. A host that is not in it is new, and joins with the wanted version.
    """
    first = [host.name for host in planes if _moves(host.name, wanted, known)]
    names = {host.name for host in planes}
    moving = (host.name for host in hosts if host.name not in names and _moves(host.name, wanted, known))
    workers = sorted(moving, key=_by_number)
    done = [Move(name, "control-plane", known[name], number) for number, name in enumerate(first, 1)]
    return done + [
        Move(name, "worker", known[name], len(first) + 1 + place // at_once) for place, name in enumerate(workers)
    ]


def _by_number(name: str) -> list[tuple[str, int]]:
    """gpu-2 before gpu-10."""
    return [(word, int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", name)]


def _moves(name: str, wanted: str, known: Mapping[str, str | None]) -> bool:
    return name in known and known[name] != wanted


def forbidden(wanted: str, moving: Sequence[Move]) -> str | None:
    """Why Kubernetes cannot do these moves, and what to write instead; None if it can."""
    of = {move.node: move.before for move in moving if move.before}
    newer = [node for node, before in of.items() if numbers(before) > numbers(wanted)]
    if newer:
        seen = max((of[node] for node in newer), key=numbers)
        return (
            f"{wanted} is older than {seen} of {', '.join(newer)}, and Kubernetes does not go back to an older "
            f'version. Write version: "{seen}". To have the cluster as it was before an upgrade, restore the backup '
            "from before it (docs/how-to/backup.md)."
        )
    for node, before in of.items():
        major, minor, _ = numbers(before)
        if numbers(wanted)[:2] > (major, minor + 1):
            return (
                f"{wanted} is more than one minor version above {before} of {node}, and Kubernetes goes up by "
                f"one at a time. Write the newest {major}.{minor + 1} first, then pulumi up, and so on up to {wanted}."
            )
    return None


def numbers(version: str) -> tuple[int, int, int]:
    """A version to compare."""
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)
