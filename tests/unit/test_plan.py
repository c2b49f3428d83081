"""The plan of the lab's site: what is registered, on what it depends, and which inputs are secret."""

import asyncio
import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pulumi import ComponentResource, Output, ResourceHook, ResourceHookArgs
from pulumi_command import remote
from ruamel.yaml import YAML

from components.host import component
from components.hostrun import hook, leave, restart
from components.hostrun.layer import HostRef, layer
from components.hostrun.step import Step
from components.hostrun.target import Target
from policy.rules import RULES, STACK_RULES, Planned
from stacks.load import site_from
from stacks.plan import base
from stacks.secrets import Secrets
from stacks.site import build
from tests.unit.recorder import Plan, Registered, record

ROOT = Path(__file__).parents[2]
COMMAND = "command:remote:Command"
LAYERS = ("runner", "base", "engine", "node")


class NoSecrets(Secrets):
    """The lab's site names none."""

    def __init__(self) -> None:
        pass


@pytest.fixture
def site(lab_folder: Path) -> dict[str, Any]:  # noqa: ARG001 - its environment is needed
    """The lab's site, to be changed."""
    return dict(YAML(typ="safe").load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"])


def plan_of(site: dict[str, Any], folder: Path, recorded: Collection[str] | None = None) -> Plan:
    """What the program registers for that site; `recorded` names what the state has, where the program may ask."""
    made = site_from(site, stack="lab", folder=folder)
    told = {"lab-kubeconfig": {"stdout": "the-kubeconfig"}}
    return record(lambda: void(build(made, NoSecrets())), told, recorded)


def members_of(plan: Plan, host: str) -> Registered:
    """The group in which that host's node is."""
    [found] = [
        r for r in plan.of(COMMAND) if "node_member@" in r.inputs["create"] and f"#{host}'" in r.inputs["create"]
    ]
    return found


def void(_: object) -> None:
    """A program returns nothing."""


def test_a_host_has_its_layers_in_a_row(site: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(site, tmp_path)
    for host in ("cp-1", "cpu-1", "gpu-1"):
        own = [r.name for r in plan.resources.values() if r.name.startswith(f"{host}-")]
        assert sorted(own) == sorted(f"{host}-{layer}" for layer in LAYERS)
        for before, after in pairwise(LAYERS):
            assert f"{host}-{before}" in plan.one(f"{host}-{after}").depends_on


def test_gr10_nothing_is_changed_before_every_preflight(site: dict[str, Any], tmp_path: Path) -> None:
    gate = plan_of(site, tmp_path).one("hosts-checked")
    assert gate.options["hooks"] == ("preflight",)
    for host in ("cp-1", "cpu-1", "gpu-1"):
        runner = plan_of(site, tmp_path).one(f"{host}-runner")
        assert "hosts-checked" in runner.depends_on
        assert runner.options["hooks"] == ("probe", "preflight", "library", "begun")


def test_gr10_the_gate_is_a_leaf_that_opens_again_when_something_else_is_asked_of_a_host(
    site: dict[str, Any], tmp_path: Path
) -> None:
    before = plan_of(site, tmp_path).one("hosts-checked")
    site["hosts"]["cpu-1"]["minimum"] = {"cpus": 2}
    after = plan_of(site, tmp_path).one("hosts-checked")
    assert before.depends_on == after.depends_on == ()
    changed = {host for host, asked in after.inputs["input"].items() if asked != before.inputs["input"][host]}
    assert changed == {"cpu-1"}


def test_every_command_is_built_one_way(site: dict[str, Any], tmp_path: Path) -> None:
    for command in plan_of(site, tmp_path).of(COMMAND):
        assert "connection" in command.secret
        assert command.inputs["connection"]["hostKey"].startswith("ssh-ed25519 ")
        assert command.inputs["addPreviousOutputInEnv"] is False
        assert not {"triggers", "environment", "update"} & set(command.inputs)
        assert re.match(
            r"sudo -n (/usr/local/sbin/gpu-metal|bash -s -- install|cat /etc/kubernetes/admin.conf)",
            command.inputs["create"],
        )
        host = command.name.rpartition("-")[0]
        if not command.name.endswith("-runner"):
            assert command.options["deleted_with"] == ("cp-1" if command.name.startswith("lab-") else host) + "-runner"


@pytest.mark.row("K6")
def test_only_the_kubeconfig_is_a_secret_output(site: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(site, tmp_path)
    assert {r.name for r in plan.of(COMMAND) if "stdout" in r.options["secret_outputs"]} == {"lab-kubeconfig"}
    assert plan.one("lab-kubeconfig").inputs["logging"] == "none"
    provider = plan.one("lab-api")
    assert provider.secret == {"kubeconfig"}
    assert provider.inputs["clusterIdentifier"] == "lab"


@pytest.mark.row("X4")
def test_one_sysctl_is_one_line_of_one_layer(site: dict[str, Any], tmp_path: Path) -> None:
    before = plan_of(site, tmp_path)
    after = plan_of({**site, "sysctl": {"net.core.somaxconn": "5000"}}, tmp_path)
    assert before.resources.keys() == after.resources.keys()
    changed = [urn for urn in before.resources if before.resources[urn].inputs != after.resources[urn].inputs]
    assert sorted(before.resources[urn].name for urn in changed) == ["cp-1-base", "cpu-1-base", "gpu-1-base"]
    old, new = (plan.one("gpu-1-base").inputs["create"].splitlines() for plan in (before, after))
    assert len(old) == len(new)
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 1


def test_a_host_that_is_gone_is_kept_untouched_and_leaves_the_cluster(site: dict[str, Any], tmp_path: Path) -> None:
    site["hosts"]["gpu-1"] = {**site["hosts"]["gpu-1"], "state": "gone"}
    recorded = [f"gpu-1-{layer}" for layer in LAYERS]
    plan = plan_of(site, tmp_path, recorded)
    own = [r for r in plan.resources.values() if r.name.startswith("gpu-1-")]
    assert sorted(r.name for r in own) == sorted(recorded)
    member = members_of(plan, "gpu-1")
    assert re.search(r"node_member@\w+#gpu-1' node=gpu-1 .*state=gone", member.inputs["create"])
    assert member.options["retain_on_delete"] is False
    assert member.inputs["connection"]["host"] == "10.213.77.11"
    for resource in own:
        assert resource.options["retain_on_delete"] is True
        assert {"connection", "create", "stdin"} <= set(resource.options["ignore_changes"])
        assert resource.options["before_delete"] == ()
    assert set(plan.one("hosts-checked").inputs["input"]) == {"cp-1", "cpu-1"}


@pytest.mark.parametrize("there", range(len(LAYERS)))
def test_a_host_that_is_gone_may_have_been_half_made(site: dict[str, Any], tmp_path: Path, there: int) -> None:
    """Only what the state has is registered, to be forgotten: nothing is created on a host that nobody reaches."""
    site["hosts"]["gpu-1"] = {**site["hosts"]["gpu-1"], "state": "gone"}
    recorded = [f"gpu-1-{layer}" for layer in LAYERS[:there]]
    plan = plan_of(site, tmp_path, recorded)
    own = [r for r in plan.resources.values() if r.name.startswith("gpu-1-")]
    assert [r.name for r in own] == recorded
    assert all(r.options["retain_on_delete"] for r in own)
    # Whether it had joined or not, its node is out, and the other hosts stay as they are.
    assert re.search(r"node_member@\w+#gpu-1' node=gpu-1 .*state=gone", members_of(plan, "gpu-1").inputs["create"])
    assert {f"cpu-1-{layer}" for layer in LAYERS} <= {r.name for r in plan.resources.values()}


def test_the_first_control_plane_leaves_by_another_when_it_is_gone(site: dict[str, Any], tmp_path: Path) -> None:
    for name in ("cpu-1", "gpu-1"):
        site["hosts"][name] = {**site["hosts"][name], "roles": ["control-plane"]}
        site["hosts"][name].pop("gpu", None)
    site["kubernetes"]["endpoint"] = "api.example.org:6443"
    site["hosts"]["cp-1"] = {**site["hosts"]["cp-1"], "state": "gone"}
    plan = plan_of(site, tmp_path, [f"cp-1-{layer}" for layer in LAYERS])
    # Nothing that still has to be done runs on the host that is gone.
    groups = [members_of(plan, name) for name in ("cp-1", "cpu-1", "gpu-1")]
    for resource in (*groups, plan.one("lab-kubeconfig")):
        assert resource.inputs["connection"]["host"] == "10.213.77.21", resource.name
        assert resource.options["deleted_with"] == "cpu-1-runner"
    assert "state=gone" in groups[0].inputs["create"]


@pytest.mark.row("H14")
def test_no_proxy_stands_between_a_host_and_the_api_server(site: dict[str, Any], tmp_path: Path) -> None:
    site["proxy"] = {"http": "http://proxy.example.org:3128"}
    site["kubernetes"]["endpoint"] = "api.example.org:6443"
    made = site_from(site, stack="lab", folder=tmp_path, keys=False)
    [step] = [step for step in base(made, made.hosts["gpu-1"]) if step.id == "proxy"]
    assert "api.example.org" in step.bulk["no_proxy"].split(",")


@pytest.mark.row("S4")
def test_a_project_is_six_objects(site: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(site, tmp_path)
    assert {r.name for r in plan.resources.values() if r.name.startswith("vision")} == {
        "vision",
        "vision-quota",
        "vision-priority",
        "vision-limits",
        "vision-network",
        "vision-edit",
    }
    assert plan.one("vision-quota").inputs["spec"]["hard"]["requests.nvidia.com/gpu"] == "4"
    assert plan.one("vision-priority").inputs["spec"]["hard"] == {"pods": "0"}
    assert plan.one("vision-edit").inputs["subjects"][0]["name"] == "ana"
    assert plan.one("vision-quota").options["deleted_with"] == "cp-1-runner"


def test_flannel_is_a_pinned_release_tied_to_the_pod_subnet(site: dict[str, Any], tmp_path: Path) -> None:
    site["network"] = {"podSubnet": "10.64.0.0/16", "pods": {"kind": "flannel"}}
    release = plan_of(site, tmp_path).one("pods-flannel-release")
    assert release.inputs["values"]["podCidr"] == "10.64.0.0/16"
    assert re.fullmatch(r"v\d+\.\d+\.\d+", release.inputs["version"])


def test_a_site_without_kubernetes_ends_with_its_hosts_and_their_engine(site: dict[str, Any], tmp_path: Path) -> None:
    site = {k: v for k, v in site.items() if k not in {"users", "projects", "kubernetes", "network"}}
    site["hosts"] = {"cpu-1": {"address": "10.213.77.21"}}
    layers = ["cpu-1-base", "cpu-1-engine", "cpu-1-runner"]
    assert sorted(r.name for r in plan_of(site, tmp_path).of(COMMAND)) == layers
    del site["engine"]
    layers.remove("cpu-1-engine")
    assert sorted(r.name for r in plan_of(site, tmp_path).of(COMMAND)) == layers


def test_the_plan_obeys_the_policy(site: dict[str, Any], tmp_path: Path) -> None:
    planned = [Planned(r.type, r.name, r.inputs) for r in plan_of(site, tmp_path).resources.values()]
    assert [m for rule in RULES for p in planned for m in rule.check(p)] == []
    assert [m for rule in STACK_RULES for m in rule.check(planned)] == []


@pytest.mark.row("X2")
@pytest.mark.parametrize("secret", ["the-private-key", "the-kubeconfig"])
def test_secrets_stand_in_secret_inputs_only(site: dict[str, Any], tmp_path: Path, secret: str) -> None:
    inputs = [(r, key, value) for r in plan_of(site, tmp_path).resources.values() for key, value in r.inputs.items()]
    holding = [(resource, key) for resource, key, value in inputs if secret in str(value)]
    assert holding, "the secret reaches nothing: nothing would be proven"
    assert [f"{resource.name}.{key}" for resource, key in holding if key not in resource.secret] == []


def test_gr6_every_command_asks_its_host_by_our_own_client_first(
    site: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    made: dict[str, Any] = {}

    async def ready(target: Target, **_: object) -> None:
        asked.append(target.name)

    class Kept(hook.Hook):
        def __init__(self, name: str) -> None:
            super().__init__(name)
            made[name] = self

    monkeypatch.setattr(restart, "ready", ready)
    monkeypatch.setattr(component, "Hook", Kept)
    for command in plan_of(site, tmp_path).of(COMMAND):
        host = "cp-1" if command.name.startswith("lab-") else command.name.rpartition("-")[0]
        assert command.options["hooks"][0] == "probe", command.name
        asyncio.run(made["probe"].run(ResourceHookArgs("", "", command.name, COMMAND)))
        assert asked.pop() == host


def test_whatever_a_host_undoes_asks_the_host_first(site: dict[str, Any], tmp_path: Path) -> None:
    undoing = [r for r in plan_of(site, tmp_path).of(COMMAND) if "delete" in r.inputs]
    assert {r.name for r in undoing} >= {f"{host}-{layer}" for host in ("cp-1", "gpu-1") for layer in LAYERS}
    assert [r.name for r in undoing if r.options["before_delete"] != (leave.NAME,)] == []


def test_whatever_runs_on_a_host_is_watched_from_its_begin_to_its_end(site: dict[str, Any], tmp_path: Path) -> None:
    for made in plan_of(site, tmp_path).of(COMMAND):
        if "delete" in made.inputs:
            assert (made.options["hooks"][-1], made.options["after"][0]) == ("begun", "ended"), made.name


def test_a_layer_with_a_secret_shows_its_steps_and_keeps_its_output_secret(tmp_path: Path) -> None:
    script = tmp_path / "keeper.sh"
    script.write_text("# It is kept.\ncheck() { :; }\n")

    def program() -> None:
        root = ComponentResource("gpu-metal:test:Root", "root")
        host = HostRef(
            "h",
            remote.ConnectionArgs(host="10.0.0.1"),
            "",
            lambda _: ResourceHook("probe", void),
            lambda *_: ResourceHook("begun", void),
            lambda _: ResourceHook("ended", void),
            lambda _: ResourceHook("back", void),
            gone=False,
            secret=lambda _: Output.secret("hunter2"),
            owner=Output.from_input("gpu-metal lab - 1111"),
            run=Output.from_input(""),
        )
        steps = [Step(script, {"public": "yes"}, secrets={"token": "deployToken"})]
        layer("h-base", host, "base", steps, parent=root)

    command = record(program).one("h-base")
    assert command.inputs["logging"] == "stderr"
    assert {"stdin", "connection"} <= command.secret
    assert command.inputs["stdin"] == "owner gpu-metal lab - 1111\nsecret keeper token 1\nhunter2\n"
    assert "hunter2" not in command.inputs["create"]
    assert {"stdout", "stderr"} <= set(command.options["secret_outputs"])
