"""What a pod asks for, and whether a node has it: GPUs whole or in part, CPU, memory, selectors and taints."""

import re
from dataclasses import dataclass, field
from typing import Any

from lab.kube import Body

GPU = "nvidia.com/gpu"
_UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "m": 1e-3}
_PRIORITIES = {"build": 125, "inference": 150, "high": 125, "very-high": 150}
"""Those from 100 are not preemptible."""


def quantity(text: object) -> float:
    """A quantity of Kubernetes as a number."""
    found = re.fullmatch(r"([\d.]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?", str(text))
    if not found:
        raise ValueError(f"{text!r} is not a quantity")
    return float(found[1]) * _UNITS[found[2] or ""]


@dataclass(frozen=True)
class Wish:
    """What a pod asks for."""

    gpus: float
    """In GPUs; below 1 it is a part of one."""
    devices: int
    """How many GPUs it has a part of, or has whole."""
    cpu: float
    memory: float
    preemptible: bool


def wish(pod: Body) -> Wish:
    """A pod's. Raises ValueError for what cannot be granted at all."""
    spec, notes = pod["spec"], pod["metadata"].get("annotations") or {}
    labels = pod["metadata"].get("labels") or {}

    def total(name: str) -> float:
        return sum(quantity(_resources(each).get(name, 0)) for each in spec["containers"])

    gpus, devices = total(GPU), int(total(GPU))
    if "gpu-fraction" in notes:
        part = _fraction(notes["gpu-fraction"])
        if gpus:
            raise ValueError(f"a pod has either gpu-fraction or {GPU}")
        devices = int(notes.get("gpu-fraction-num-devices", "1"))
        gpus = part * devices
    chosen = labels.get("kai.scheduler/preemptibility")
    named = labels.get("priorityClassName", spec.get("priorityClassName", ""))
    preemptible = chosen == "preemptible" if chosen else _PRIORITIES.get(named, 0) < 100
    return Wish(gpus, devices, total("cpu"), total("memory"), preemptible)


def _fraction(text: str) -> float:
    try:
        part = float(text)
    except ValueError:
        part = 0
    if not 0 < part < 1:
        raise ValueError(f"gpu-fraction {text!r} is not between 0 and 1")
    return part


def _resources(container: Body) -> Body:
    wanted = container.get("resources") or {}
    return {**(wanted.get("limits") or {}), **(wanted.get("requests") or {})}


@dataclass
class Node:
    """A node, and what its pods have of it."""

    body: Body
    cpu: float = 0
    memory: float = 0
    whole: int = 0
    shared: list[float] = field(default_factory=list)
    """For each GPU that is shared, how much of it is taken."""

    @property
    def name(self) -> str:
        """The node's."""
        return str(self.body["metadata"]["name"])

    @property
    def labels(self) -> dict[str, str]:
        """The node's."""
        return self.body["metadata"].get("labels") or {}

    def has(self, name: str) -> float:
        """How much of a resource there is for pods."""
        return quantity(self.body["status"].get("allocatable", {}).get(name, 0))

    def take(self, wanted: Wish) -> None:
        """Counts a pod that is here."""
        self.cpu += wanted.cpu
        self.memory += wanted.memory
        if wanted.gpus == wanted.devices:
            self.whole += wanted.devices
        else:
            self.shared = self._shared_with(wanted)

    def _shared_with(self, wanted: Wish) -> list[float]:
        """The shared GPUs with one more pod: on the fullest that has room, each device on another."""
        part, taken = wanted.gpus / wanted.devices, sorted(self.shared, reverse=True)
        fits = [place for place, used in enumerate(taken) if used + part <= 1.0001][: wanted.devices]
        for place in fits:
            taken[place] += part
        return taken + [part] * (wanted.devices - len(fits))

    def lacks(self, wanted: Wish) -> str:
        """What there is too little of, empty if the pod fits."""
        if self.cpu + wanted.cpu > self.has("cpu") + 1e-6:
            return "cpu"
        if self.memory + wanted.memory > self.has("memory"):
            return "memory"
        if wanted.gpus == wanted.devices:
            needed = self.whole + wanted.devices + len(self.shared)
        else:
            needed = self.whole + len(self._shared_with(wanted))
        return GPU if needed > self.has(GPU) and wanted.gpus else ""

    def admits(self, pod: Body) -> bool:
        """Whether the pod may run here: it is up, its taints are tolerated, and it is one that the pod selects."""
        conditions = self.body["status"].get("conditions", [])
        if not any(one["type"] == "Ready" and one["status"] == "True" for one in conditions):
            return False
        spec, taints = pod["spec"], self.body["spec"].get("taints") or []
        hard = [taint for taint in taints if taint["effect"] in ("NoSchedule", "NoExecute")]
        if self.body["spec"].get("unschedulable"):
            return False
        if any(not _tolerated(taint, spec.get("tolerations") or []) for taint in hard):
            return False
        if any(self.labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
            return False
        affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
        terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or []
        return not terms or any(self._matches(term) for term in terms)

    def _matches(self, term: Body) -> bool:
        return all(self._holds(rule) for rule in term.get("matchExpressions") or [])

    def _holds(self, rule: dict[str, Any]) -> bool:
        value, values = self.labels.get(rule["key"]), rule.get("values") or []
        return {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }.get(rule["operator"], False)


def _tolerated(taint: Body, tolerations: list[Body]) -> bool:
    return any(
        one.get("effect") in (None, "", taint["effect"])
        and (not one.get("key") or one["key"] == taint["key"])
        and (one.get("operator") == "Exists" or (one.get("value") or "") == (taint.get("value") or ""))
        for one in tolerations
    )
