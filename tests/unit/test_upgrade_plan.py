"""`sitectl upgrade plan`, with a state of its own and hosts that answer as kubectl does."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.hostrun import fleet, ssh
from components.hostrun.target import SshError, Target
from ops import site as sites
from tests.unit import fake_hosts
from tests.unit.fake_hosts import NAMES, FakePulumi, Sitectl

pytestmark = pytest.mark.row("X20")

LIMITS = '{"cpu":"1","nvidia.com/gpu":"2"}'
PODS = [
    f"gpu-2\tNever\tvision/train-7\t{LIMITS}",
    f"gpu-2\tAlways\tvision/serve-1\t{LIMITS}",
    'gpu-2\tNever\tvision/clean\t{"cpu":"1"}',
    f"gpu-1\tOnFailure\tvision/fit\t{LIMITS}",
    'gpu-1\tNever\tvision/half\t{"cpu":"1"}{"gpu-fraction":"0.5"}',
    'gpu-1\tNever\tvision/dra\t{"cpu":"1"}\tgpus',
    'gpu-1\tNever\tvision/other\t{"cpu":"1"}{"note":"no gpu"}\t',
]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    made = fake_hosts.pulumi(tmp_path / "bin", monkeypatch)
    made.says("stack export", state(*["1.33.13"] * 3))
    return made


@pytest.fixture
def sitectl(pulumi: FakePulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:  # noqa: ARG001 - on PATH
    made = fake_hosts.sitectl(tmp_path, monkeypatch)
    usual = made.hosts.ask

    async def ask(target: Target, command: str, **more: Any) -> ssh.Result:
        if "/readyz" in command and target.name not in made.hosts.errors:
            return ssh.Result(0, "ok", "")
        if "nodeInfo" in command:
            return ssh.Result(0, "".join(f"{name}\tv1.33.13\tcontainerd://1.7.28\n" for name in NAMES), "")
        return await usual(target, command, **more)

    monkeypatch.setattr(sites, "Fleet", partial(fleet.Fleet, ask=ask))
    made.hosts.running = "\n".join(PODS)
    return made


def state(*versions: str) -> str:
    resources = [
        {
            "type": "command:remote:Command",
            "urn": f"urn:pulumi:dev::gpu-metal::x::{name}-node",
            "inputs": {
                "create": f"gpu-metal apply node \\\n  :: kubernetes_version@0123456789ab version={version} node=x"
            },
        }
        for name, version in zip(NAMES, versions, strict=True)
    ]
    return json.dumps({"deployment": {"resources": resources}})


def test_each_node_with_its_order_and_its_jobs(sitectl: Sitectl) -> None:
    said = sitectl.json("upgrade", "plan")
    assert (said["ok"], said["to"], said["asked"]) == (True, "1.34.2", True)
    assert [(node["order"], node["node"], node["from"], node["runs"]) for node in said["nodes"]] == [
        (1, "cp-1", "1.33.13", "1.33.13"),
        (2, "gpu-1", "1.33.13", "1.33.13"),
        (3, "gpu-2", "1.33.13", "1.33.13"),
    ]
    assert [node["jobs"] for node in said["nodes"]] == [
        [],
        ["vision/fit", "vision/half", "vision/dra"],
        ["vision/train-7"],
    ]
    table = sitectl("upgrade", "plan")
    assert table.exit_code == 0
    assert (
        "pulumi up upgrades 3 nodes; on each, pods move away within 300 s. A node that fails stops it" in table.output
    )


def test_a_plan_without_a_host_that_answers_says_what_it_does_not_know(sitectl: Sitectl) -> None:
    sitectl.hosts.errors["cp-1"] = SshError("cp-1", "address", "did not answer. Fix: switch it on")
    table = sitectl("upgrade", "plan")
    assert table.exit_code == 0
    assert "So what the nodes run now is not known." in table.output
    said = sitectl.json("upgrade", "plan")
    assert [(node["from"], node["runs"], node["jobs"]) for node in said["nodes"]] == [("1.33.13", None, None)] * 3


def test_what_kubernetes_cannot_do_is_named(sitectl: Sitectl, pulumi: FakePulumi) -> None:
    pulumi.says("stack export", state("1.34.2", "1.34.2", "1.32.9"))
    refused = sitectl("upgrade", "plan")
    assert refused.exit_code == 1
    assert "✗ kubernetes.version: 1.34.2 is more than one minor version above 1.32.9 of gpu-2" in refused.output
    assert sitectl.json("upgrade", "plan")["forbidden"].startswith("1.34.2 is more than one minor version above")


def test_a_state_without_members_is_not_called_up_to_date(sitectl: Sitectl, pulumi: FakePulumi) -> None:
    """The first run, another stack by mistake, or a lost state: the cluster may well have another version."""
    pulumi.says("stack export", json.dumps({"deployment": {}}))
    said = sitectl("upgrade", "plan")
    assert (said.exit_code, "nothing to upgrade" in said.output) == (0, False)
    assert "The state of stack dev has no member yet" in said.output
    assert "If a cluster runs already, write the version that it has" in said.output


def test_nothing_to_do_asks_no_host(sitectl: Sitectl, pulumi: FakePulumi) -> None:
    pulumi.says("stack export", state(*["1.34.2"] * 3))
    said = sitectl("upgrade", "plan")
    assert (said.exit_code, sitectl.hosts.asked) == (0, [])
    assert "every member has Kubernetes 1.34.2 in the stack's state: nothing to upgrade" in said.output
