"""Pods that bring GPUs to nodes run there whatever taints the site gives these nodes. Pure.

Rows: O1, O3, O4.
"""

from typing import Any

from components.gpu.pods import LOST, TAINT, Hosts
from components.kubernetes.kubeadm import CONTROL_PLANE_TAINT, taints

_CHARTS = ((CONTROL_PLANE_TAINT, "NoSchedule"), (TAINT, "NoSchedule"))
"""What NVIDIA's charts tolerate by themselves, here or there."""


def more(serving: Hosts) -> list[dict[str, Any]]:
    """Tolerations for the taints of these nodes, beyond that for NVIDIA's own. What brings GPUs comes back to a node
    that has lost one, else it would never offer it again."""
    found = {(each["key"], each["effect"]): None for host in serving.values() for each in taints(host)}
    if any(host.gpu and host.gpu.taint_lost for host in serving.values()):
        found[LOST, "NoSchedule"] = None
    return [_toleration(*taint) for taint in found if taint != (TAINT, "NoSchedule")]


def tolerations(serving: Hosts) -> list[dict[str, Any]] | None:
    """Tolerations in place of a chart's, which has a list as a whole or not at all; None where the chart's will do."""
    if not (needed := more(serving)):
        return None
    usual = [_toleration(*taint) for taint in _CHARTS]
    return [*usual, *(each for each in needed if each not in usual)]


def _toleration(key: str, effect: str) -> dict[str, Any]:
    return {"key": key, "operator": "Exists", "effect": effect}
