"""What `sitectl verify` says of GPUs in the cluster. Does not prove: kubectl's own output; the lab's test does."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.hostrun.ssh import Result
from ops import cluster
from tests.parts.gpu_operator.unit.test_values import site

WORKER = "node-role.kubernetes.io/worker"


def counted(kind: str, succeeded: int) -> Any:
    """The fields of an object that say how many of its pods are well."""
    if kind == "Job":
        return {"status": {"succeeded": succeeded} if succeeded else {}, "spec": {"completions": 1}}
    counts = {"availableReplicas": 2, "numberAvailable": 2, "desiredNumberScheduled": 2}
    return {"status": counts, "spec": {"replicas": 2}}


def plane(allocatable: dict[str, dict[str, str]], smoke: int) -> Any:
    """A control plane that answers kubectl: what nodes have for pods, and how the smoke job ended."""

    async def ask(_: object, command: str, *, stdin: bytes = b"", **__: object) -> Result:
        if "get nodes" in command:
            labels = json.dumps({WORKER: ""})
            rows = [f"{name}\tTrue\tReady\tv1.34.2\t{labels}\t{json.dumps(has)}\n" for name, has in allocatable.items()]
            return Result(0, "".join(rows), "")
        if "-f -" in command:
            items = [{**each, **counted(each["kind"], smoke)} for each in json.loads(stdin)["items"]]
            return Result(0, json.dumps({"kind": "List", "items": items}), "")
        return Result(0, "2/2", "")

    return SimpleNamespace(targets={"cp-1": SimpleNamespace(name="cp-1")}, ask=ask)


@pytest.mark.row("O4", "M3")
def test_what_nodes_offer_is_compared_with_what_hosts_declare(tmp_path: Path) -> None:
    of = site(tmp_path, smoke={"image": "mirror.example.org/cuda:13", "gpus": 2}, withoutOperands=["own"])
    has = {"gpu-1": {"nvidia.com/gpu": "8"}, "gpu-2": {"nvidia.com/gpu": "7"}, "own": {"nvidia.com/gpu": "0"}}
    hosts = [host for name, host in of.hosts.items() if name != "cp-1"]
    found = asyncio.run(cluster.look(of, hosts, plane(has, 0)))
    said = {(each.id, each.host): (each.status, each.saw, each.want) for each in found if "gpu-operator/" in each.id}
    assert said[("gpu-operator/nvidia.com/gpu", "gpu-1")] == ("ok", "8 for pods", "8")
    assert said[("gpu-operator/nvidia.com/gpu", "gpu-2")] == ("failed", "the node has 7 for pods", "8")
    assert ("gpu-operator/nvidia.com/gpu", "own") not in said
    assert said[("gpu-operator/gpu-smoke", "cp-1")][:2] == (
        "failed",
        "job gpu-smoke -n gpu-operator has 0 of 1 pods done.",
    )
    assert said[("gpu-operator/nvidia-device-plugin-daemonset", "cp-1")][0] == "ok"
    fixes = {each.fix for each in found if each.id == "gpu-operator/gpu-smoke"}
    assert fixes == {
        "there: kubectl -n gpu-operator describe job gpu-smoke; "
        "to run it again: kubectl -n gpu-operator delete job gpu-smoke, then pulumi up --refresh"
    }
