"""The order of an upgrade, and what it must not do. Does not prove: that it works (tests/lab/test_upgrade.py)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.host.config import Host
from components.kubernetes.rolling import Rolling
from components.kubernetes.turn import Turns
from components.kubernetes.upgrade import Move, forbidden, moves, version_of, versions
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.site import build
from tests.unit.conftest import a_key
from tests.unit.recorder import Plan, record
from tests.unit.test_plan import NoSecrets, site, void

__all__ = ["site"]
CREATE = "gpu-metal apply node \\\n  :: kubernetes_version@0123456789ab version={} node=x \\\n  :: y@1"


def host(name: str, *roles: str) -> Host:
    found = {"name": name, "address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA", "roles": roles or ("worker",)}
    return Host.model_validate(found)


PLANES = [host("cp-1", "control-plane"), host("cp-2", "control-plane")]
HOSTS = [*PLANES, *(host(name) for name in ("gpu-1", "gpu-2", "gpu-3", "gpu-4"))]
OLD: Mapping[str, str | None] = dict.fromkeys((each.name for each in HOSTS), "1.33.13")


@pytest.mark.row("X20")
def test_control_planes_go_one_by_one_and_then_so_many_workers_at_a_time() -> None:
    found = moves("1.34.2", OLD, PLANES, HOSTS, 2)
    assert [(move.order, move.node, move.role) for move in found] == [
        (1, "cp-1", "control-plane"),
        (2, "cp-2", "control-plane"),
        (3, "gpu-1", "worker"),
        (3, "gpu-2", "worker"),
        (4, "gpu-3", "worker"),
        (4, "gpu-4", "worker"),
    ]
    turns = Turns("1.34.2", Rolling.model_validate({"atOnce": 2}), moves=found)
    assert {node: turns.waits_for(node) for node in OLD if turns.waits_for(node)} == {
        "gpu-3": "gpu-1",
        "gpu-4": "gpu-2",
    }


@pytest.mark.row("K9", "X4")
def test_a_host_with_a_new_disk_joins_and_has_nothing_to_move() -> None:
    layers = {"cp-1-node": "DRIFTED the disk is new", "gpu-1-node": CREATE.format("1.33.13"), "gpu-1-base": "x"}
    assert versions(layers) == {"gpu-1": "1.33.13"}


@pytest.mark.row("X20")
def test_workers_go_in_the_order_of_their_numbers() -> None:
    names = ["rack2-10", "gpu-10", "gpu-2", "gpu-1", "nfs", "rack2-9", "rack10-1", "7", "a1"]
    found = moves("1.34.2", dict.fromkeys(names, "1.33.13"), (), [host(name) for name in names], 1)
    assert [move.node for move in found] == [
        "7", "a1", "gpu-1", "gpu-2", "gpu-10", "nfs", "rack2-9", "rack2-10", "rack10-1",
    ]  # fmt: skip


@pytest.mark.row("K9")
def test_what_is_done_and_what_is_new_does_not_move() -> None:
    known = {**OLD, "cp-1": "1.34.2", "gpu-2": "1.34.2", "gpu-4": None}
    del known["gpu-3"]
    found = moves("1.34.2", known, PLANES, HOSTS, 1)
    assert [(move.node, move.before) for move in found] == [("cp-2", "1.33.13"), ("gpu-1", "1.33.13"), ("gpu-4", None)]


@pytest.mark.row("X20")
def test_the_version_is_that_of_the_layers_command_line() -> None:
    assert version_of(CREATE.format("1.33.13")) == "1.33.13"
    assert version_of("gpu-metal apply node \\\n  :: kubernetes_version DRIFTED this member runs 1.34.3") is None


def said(wanted: str, *before: str | None) -> str | None:
    return forbidden(wanted, [Move(f"n-{n}", "worker", each, n) for n, each in enumerate(before, 1)])


@pytest.mark.row("K9")
def test_a_jump_and_a_way_back_are_refused_with_the_way_on() -> None:
    for allowed in ("1.33.14", "1.34.0", "1.34.9"):
        assert said(allowed, "1.33.13", None) is None
    assert said("1.36.1", "1.34.2") == (
        "1.36.1 is more than one minor version above 1.34.2 of n-1, and Kubernetes goes up by one at a time. Write the "
        "newest 1.35 first, then pulumi up, and so on up to 1.36.1."
    )
    assert "above 1.33.13 of n-2" in str(said("1.35.4", "1.34.2", "1.33.13"))
    back = str(said("1.33.13", "1.34.2", "1.33.9"))
    assert back.startswith("1.33.13 is older than 1.34.2 of n-1, and Kubernetes does not go back to an older version. ")
    assert 'Write version: "1.34.2". To have the cluster as it was before an upgrade, restore the backup' in back
    assert said("1.34.1", "1.34.2")


def plan(site: dict[str, Any], folder: Path, known: Mapping[str, str]) -> Plan:
    made = site_from(site, stack="lab", folder=folder)
    state = {f"{name}-node": {"create": CREATE.format(version)} for name, version in known.items()}
    told = {"lab-kubeconfig": {"stdout": "the-kubeconfig"}}
    return record(lambda: void(build(made, NoSecrets())), told, state)


@pytest.fixture
def four(site: dict[str, Any]) -> dict[str, Any]:
    """The lab's site with two more control planes and one more worker, at the version 1.34.2."""
    more = {
        name: {"address": f"10.77.0.{n}", "hostKey": f"ssh-ed25519 {a_key(name)}"}
        for n, name in enumerate(("aa-1", "aa-2", "zz-1"), 91)
    }
    planes = {name: {**of, "roles": ["control-plane"]} for name, of in more.items() if name != "zz-1"}
    kubernetes = {**site["kubernetes"], "version": "1.34.2", "endpoint": "api.example.org:6443"}
    return {**site, "hosts": {**site["hosts"], **more, **planes}, "kubernetes": kubernetes}


def edges(found: Plan) -> dict[str, list[str]]:
    return {
        each.name: [name for name in each.depends_on if name.endswith("-node")]
        for each in found.resources.values()
        if each.name.endswith("-node")
    }


@pytest.mark.row("K16")
def test_each_worker_waits_for_the_one_before_only_while_it_is_upgraded(
    four: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", told.append)
    every = list(four["hosts"])
    fresh, settled = edges(plan(four, tmp_path, {})), edges(plan(four, tmp_path, dict.fromkeys(every, "1.34.2")))
    assert not told
    assert fresh == settled
    assert {tuple(fresh[f"{name}-node"]) for name in ("cpu-1", "gpu-1", "zz-1")} == {("cp-1-node",)}
    found = plan(four, tmp_path, {**dict.fromkeys(every, "1.33.13"), "cpu-1": "1.34.2"})
    moving = edges(found)
    assert moving["gpu-1-node"] == ["cp-1-node"]
    assert moving["zz-1-node"] == ["cp-1-node", "gpu-1-node"]
    assert moving["cpu-1-node"] == ["cp-1-node"]
    hooked = {name for name in every if "turn" in found.one(f"{name}-node").options["hooks"]}
    assert hooked == {name for name in every if "turn-end" in found.one(f"{name}-node").options["after"]}
    assert hooked == {*every} - {"cpu-1"}
    assert told[0].splitlines()[-1] == "  5. zz-1, worker: 1.33.13 → 1.34.2, its pods move away first"


@pytest.mark.row("K9")
def test_a_new_control_plane_joins_after_the_others_are_upgraded(four: dict[str, Any], tmp_path: Path) -> None:
    hosts = {"aa-1": four["hosts"].pop("aa-1"), **four["hosts"]}
    found = edges(plan({**four, "hosts": hosts}, tmp_path, {"cp-1": "1.33.13", "cpu-1": "1.33.13"}))
    assert [found[f"{name}-node"] for name in ("cp-1", "aa-1", "aa-2")] == [[], ["cp-1-node"], ["aa-1-node"]]


@pytest.mark.row("X20")
def test_a_preview_without_hosts_refuses_what_kubernetes_cannot_do(four: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SiteError) as refused:
        plan(four, tmp_path, {"cp-1": "1.32.1"})
    assert str(refused.value).startswith(
        "Pulumi.test.yaml kubernetes.version: 1.34.2 is more than one minor version above"
    )
