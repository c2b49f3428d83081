"""A host that comes back after `state: gone` joins again in a plain `pulumi up`, though nothing else about it differs.

Does not prove: that it joins; tests/lab/test_planes.py does.
"""

from pathlib import Path
from typing import Any

import pytest

from components.kubernetes.returned import times
from tests.unit.recorder import Plan
from tests.unit.test_plan import plan_of, site  # noqa: F401 - site is a fixture

pytestmark = pytest.mark.row("K2", "K3")


def state_of(plan: Plan) -> dict[str, dict[str, Any]]:
    """What the stack's state has after that run."""
    return {each.name: {"create": each.inputs.get("create", "")} for each in plan.resources.values()}


def test_its_layer_runs_again_once_and_stays_so(site: dict[str, Any], tmp_path: Path) -> None:  # noqa: F811
    first = plan_of(site, tmp_path)
    gone = {**site, "hosts": {**site["hosts"], "gpu-1": {**site["hosts"]["gpu-1"], "state": "gone"}}}
    without = plan_of(gone, tmp_path, state_of(first))
    # While it is gone the engine keeps the inputs of its layers as they are.
    kept = {**state_of(without), "gpu-1-node": state_of(first)["gpu-1-node"]}
    back = plan_of(site, tmp_path, kept)
    assert "returned=1" in back.one("gpu-1-node").inputs["create"]
    settled = plan_of(site, tmp_path, state_of(back))
    assert state_of(settled) == state_of(back)
    differs = [n for n, text in state_of(back).items() if n in state_of(first) and text != state_of(first)[n]]
    assert differs == ["gpu-1-node"]


def test_each_time_is_another() -> None:
    members = "gpu-metal apply members-00 \\\n  :: 'node_member@1f#gpu-1' node=gpu-1 roles=worker state=gone"
    node = "gpu-metal apply node \\\n  :: cluster_member@2e node=gpu-1 role=worker returned=1 \\\n  :: kubelet@3d"
    layers = {"lab-members-00": members, "gpu-1-node": node}
    assert times(layers, ["gpu-1", "cpu-1"]) == {"gpu-1": 2}
    assert times(layers, ["cpu-1"]) == {}
    assert times({**layers, "lab-members-00": members.removesuffix(" state=gone")}, ["gpu-1"]) == {"gpu-1": 1}


def test_who_was_drained_or_lost_has_not_left() -> None:
    drained = "  :: 'node_member@1f#gpu-1' node=gpu-1 \\\n  :: 'node_drained@1f#gpu-2' node=gpu-2 state=gone"
    assert times({"lab-members-00": drained, "gpu-1-node": "DRIFTED nothing is applied"}, ["gpu-1", "gpu-2"]) == {}
