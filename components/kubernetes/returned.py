"""Hosts that come back after `state: gone`: their layer `node` runs again, though the site has the same steps for it.

While a host is gone its layers stay in the state as they are, but its node is taken out of the cluster. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from components.hostrun.step import Step
from components.kubernetes.upgrade import LAYER

_STEP = "cluster_member"
_OUT = re.compile(r"^  :: '?node_member@\w+#([\w.-]+)'? .*\bstate=gone\b", re.MULTILINE)
_TIMES = re.compile(rf"^  :: {_STEP}@\w+ .*\breturned=(\d+)", re.MULTILINE)


def times(layers: Mapping[str, str], active: Sequence[str]) -> dict[str, int]:
    """How often each of the active hosts has come back, this time included; without those that never did.

    `layers` are command lines in the stack's state by the names of their resources.
    """
    out = {host for text in layers.values() for host in _OUT.findall(text)}
    found = {}
    for host in active:
        before = _TIMES.search(layers.get(f"{host}{LAYER}", ""))
        if number := int(before[1] if before else 0) + (host in out):
            found[host] = number
    return found


def again(steps: Sequence[Step], number: int) -> list[Step]:
    """The steps of a layer `node`, with another text each time that its host has come back."""
    if not number:
        return [*steps]
    told = {"returned": str(number)}
    return [replace(step, inputs={**step.inputs, **told}) if step.script.stem == _STEP else step for step in steps]
