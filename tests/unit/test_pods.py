"""sitectl verify: pods that a node has evicted, that cannot end on a dead node, or that do not end with their work.

Does not prove: kubectl's jsonpath on real objects; tests/lab/test_in_cluster.py asks a real API server on each verify.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.fake_hosts import Sitectl, sitectl


@pytest.fixture
def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    return sitectl(tmp_path, monkeypatch)


def said(ctl: Sitectl) -> dict[tuple[str, str], Any]:
    checks = [check for check in ctl.json("verify")["checks"] if check["id"].startswith(("pods-", "jobs-"))]
    return {(check["host"], check["id"]): check for check in checks}


def ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.row("M3")
def test_evicted_pods_are_named_with_the_reason(ctl: Sitectl) -> None:
    low = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi. "
    ctl.hosts.evicted = (
        "".join(f"vision/train-{n}\tgpu-1\t{low}\n" for n in range(4)) + "ana/x\telsewhere\tdisk\nrest\n"
    )
    found = said(ctl)
    assert found.keys() == {("gpu-1", "pods-evicted"), ("cp-1", "pods-evicted")}
    own = found["gpu-1", "pods-evicted"]
    assert own["status"] == "note"
    assert own["saw"] == (
        "4 pods are evicted, vision/train-0, vision/train-1, vision/train-2 …: "
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi"
    )
    assert own["fix"].startswith(
        "on a control plane: kubectl -n vision describe pod train-0; let its containers request"
    )
    assert found["cp-1", "pods-evicted"]["saw"] == "1 pod is evicted, ana/x: disk"
    assert ctl("verify").exit_code == 0


@pytest.mark.row("M3")
def test_pods_that_cannot_end_on_a_dead_node(ctl: Sitectl) -> None:
    ctl.hosts.nodes = {"gpu-1": "Unknown", "gpu-2": "False"}
    ctl.hosts.ending = {
        "gpu-1": f"vision/train-7\tgpu-1\t{ago(45)}\nvision/train-8\tgpu-1\t{ago(12)}\n",
        "gpu-2": f"vision/late\tgpu-2\t{ago(0.2)}\n",  # it may still be ending
        "cp-1": f"vision/never-asked\tcp-1\t{ago(45)}\n",
    }
    found = said(ctl)
    assert found.keys() == {("gpu-1", "pods-terminating")}
    own = found["gpu-1", "pods-terminating"]
    assert (own["status"], own["saw"]) == (
        "failed",
        "2 pods are Terminating for 45 min, vision/train-7, vision/train-8: the node does not answer, "
        "so nobody knows whether they still run.",
    )
    assert (
        own["fix"]
        == "start the host again; if it does not come back, hosts.gpu-1.state: gone in the site, then pulumi up"
    )
    assert ctl("verify").exit_code == 1


def test_nothing_is_asked_of_nodes_that_are_ready(ctl: Sitectl) -> None:
    assert said(ctl) == {}
    assert not [command for _, command in ctl.hosts.asked if "selector=spec.nodeName" in command]


def row(pod: str, minutes: float, **containers: int | None) -> str:
    """A row of LASTING: a container has an exit code, or runs."""
    state: dict[str, Any] = {
        n: {"running": {}} if code is None else {"terminated": {"exitCode": code}} for n, code in containers.items()
    }
    return f"{pod}\tgpu-1\t{ago(minutes)}\t{json.dumps([{'name': n, 'state': s} for n, s in state.items()])}\n"


@pytest.mark.row("N8")
def test_a_job_that_is_done_and_runs_on_is_named(ctl: Sitectl) -> None:
    ctl.hosts.lasting = (
        row("vision/train-1", 90, main=0, logger=None)
        + row("vision/train-2", 90, main=1, logger=None)  # it failed: its status says so
        + row("vision/train-3", 90, main=None, logger=None)
        + row("kube-system/other", 90, main=0, logger=None)  # no project
        + "vision/new\tgpu-1\t\t\n"
    )
    found = said(ctl)
    assert found.keys() == {("cp-1", "jobs-done")}
    own = found["cp-1", "jobs-done"]
    assert (own["status"], own["saw"]) == (
        "note",
        "1 pod is Running after the work was done, vision/train-1: main ended, logger runs on",
    )
    assert own["fix"].startswith("on a control plane: kubectl -n vision delete pod train-1, or the job that owns it;")


@pytest.mark.row("N8")
def test_a_job_that_runs_for_long_is_worth_a_line(ctl: Sitectl) -> None:
    day = 24 * 60
    ctl.hosts.lasting = row("vision/train-1", 6.9 * day, main=None) + row("vision/train-2", 9.1 * day, main=None)
    assert said(ctl)["cp-1", "jobs-long"]["saw"] == "1 pod is Running for 9 days, and meant to end, vision/train-2"
    assert ctl("verify").exit_code == 0
