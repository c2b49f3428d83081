"""What a stack says of itself to its hosts, and what sitectl says of a host that is another's.

Does not prove: what a host does with it (tests/scripts/test_runner_owner.py).
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.hostrun.step import Step, command_line, payload
from stacks.faults import SiteError
from stacks.layers import layers
from stacks.load import load_site, site_from
from stacks.site import build
from tests.unit.fake_hosts import SINCE, SITE, FakePulumi, Sitectl
from tests.unit.recorder import Plan, record
from tests.unit.test_plan import COMMAND, ROOT, NoSecrets, void

OTHERS = f"belongs to stack gpu-metal/lab since {SINCE}; what stack gpu-metal/dev applied may be gone."


@pytest.fixture
def site(lab_folder: Path) -> dict[str, Any]:  # noqa: ARG001 - its environment is needed
    return dict(YAML(typ="safe").load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"])


NONE: dict[str, str] = {}


def plan_of(site: dict[str, Any], folder: Path, runs: dict[str, str] | None = NONE) -> Plan:
    made = site_from(site, stack="lab", folder=folder)
    outputs: dict[str, dict[str, Any]] = {
        "lab-kubeconfig": {"stdout": "the-kubeconfig"},
        "hosts-state": {"output": runs},
    }
    return record(lambda: void(build(made, NoSecrets())), outputs)


def state(cli: FakePulumi, id_: str, runs: dict[str, str] | None = None) -> None:
    urn = "urn:pulumi:dev::gpu-metal::gpu-metal:host:Hosts$pulumi:index:Stash::hosts-state"
    stash = {"type": "pulumi:index:Stash", "urn": urn, "id": id_, "outputs": {"input": {}, "output": runs or {}}}
    cli.says("stack export", json.dumps({"version": 3, "deployment": {"resources": [stash]}}))


def test_each_command_says_who_runs_in_its_first_line_and_no_command_line_does(
    site: dict[str, Any], tmp_path: Path
) -> None:
    plan = plan_of({**site, "id": "rack7"}, tmp_path)
    commands = [c for c in plan.of(COMMAND) if c.name != "lab-kubeconfig"]
    for command in commands:
        runner = command.name.endswith("-runner")
        first = (
            "owner='gpu-metal lab rack7 hosts-state-id' run_id=''"
            if runner
            else "owner gpu-metal lab rack7 hosts-state-id"
        )
        assert command.inputs["stdin"].splitlines()[0] == first, command.name
        assert "rack7" not in command.inputs["create"] + command.inputs["delete"]
        assert ("hosts-state" in command.depends_on) == runner
    assert len(commands) > 8


def test_what_an_interrupted_run_left_is_older_than_the_deletes_of_that_host_alone(
    site: dict[str, Any], tmp_path: Path
) -> None:
    before, after = plan_of(site, tmp_path), plan_of(site, tmp_path, {"gpu-1": "20261129T214000Z"})
    changed = {
        r.name: sorted(key for key, value in r.inputs.items() if value != before.resources[urn].inputs[key])
        for urn, r in after.resources.items()
        if r.inputs != before.resources[urn].inputs
    }
    layers = {f"gpu-1-{layer}": ["delete"] for layer in ("base", "engine", "node")}
    assert changed == {"gpu-1-runner": ["delete", "stdin"], **layers}
    assert after.one("gpu-1-runner").inputs["delete"] == "sudo -n bash -s -- remove 20261129T214000Z"
    assert after.one("gpu-1-base").inputs["delete"] == "sudo -n /usr/local/sbin/gpu-metal undo base 20261129T214000Z"
    assert before.one("gpu-1-base").inputs["delete"] == "sudo -n /usr/local/sbin/gpu-metal undo base"


def test_a_destroy_of_what_was_destroyed_has_a_plan(site: dict[str, Any], tmp_path: Path) -> None:
    """The program runs then, too, and the engine tells nothing of what the state has not."""
    assert plan_of(site, tmp_path, None).one("gpu-1-base").inputs["delete"].endswith("undo base")


def test_the_project_is_that_of_the_file_beside_the_site_and_not_a_key(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: racks\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(SITE.replace("    ssh:", "    id: north\n    ssh:"))
    assert load_site("dev", tmp_path, keys=False).owner.words("1111") == "racks dev north 1111"
    (tmp_path / "Pulumi.dev.yaml").write_text(SITE.replace("    ssh:", "    project: mine\n    id: a b\n    ssh:"))
    with pytest.raises(SiteError) as error:
        load_site("dev", tmp_path, keys=False)
    assert "project: no such key: the project is named in Pulumi.yaml." in str(error.value)
    assert "id: \"a b\" is not the id of a site: 1 to 63 letters, digits, '.', '_' and '-'." in str(error.value)


def resource(name: str, delete: str | None, on: str | None = None) -> dict[str, Any]:
    urn = "urn:pulumi:dev::gpu-metal::command:remote:Command::"
    values = {"create": "x", **({"delete": delete} if delete else {})}
    anchor = {"deletedWith": f"{urn}{on}-runner"} if on else {}
    return {"type": COMMAND, "urn": f"{urn}{name}", "inputs": values, "outputs": dict(values), **anchor}


def test_recover_notes_the_interruption_where_the_next_run_and_the_deletes_find_it(
    ctl: Sitectl, cli: FakePulumi
) -> None:
    state(cli, "1111", {"cp-1": "20261101T000000Z"})
    exported = json.loads((cli.folder / "stack export.out").read_text())
    deleting = resource("gpu-1-runner", "bash -s -- remove 20261102T000000Z")
    others = [
        resource("gpu-1-base", "gpu-metal undo base", "gpu-1"),
        resource("gpu-2-base", "gpu-metal undo base", "gpu-2"),
        resource("dev-kubeconfig", None, "gpu-1"),
    ]
    exported["deployment"]["resources"] += [deleting, *others]
    exported["deployment"]["pending_operations"] = [{"type": "deleting", "resource": deleting}]
    cli.says("stack export", json.dumps(exported))
    assert ctl("recover").exit_code == 0
    written = json.loads((cli.folder / "imported").read_text())["deployment"]["resources"]
    kept, runner, base, other, kubeconfig = written
    runs = kept["outputs"]["output"]
    assert runs.keys() == {"cp-1", "gpu-1"}
    assert runs["gpu-1"] > runs["cp-1"] == "20261101T000000Z"
    assert runner["inputs"]["delete"] == runner["outputs"]["delete"] == f"bash -s -- remove {runs['gpu-1']}"
    assert base["inputs"]["delete"] == f"gpu-metal undo base {runs['gpu-1']}"
    assert (other, kubeconfig) == (others[1], others[2])


def test_with_a_clock_that_was_set_back_an_interruption_is_later_than_the_last_one_all_the_same(
    ctl: Sitectl, cli: FakePulumi
) -> None:
    state(cli, "1111", {"gpu-1": "29990101T235959Z"})
    exported = json.loads((cli.folder / "stack export.out").read_text())
    deleting = resource("gpu-1-runner", "bash -s -- remove 29990101T235959Z")
    exported["deployment"]["resources"].append(deleting)
    exported["deployment"]["pending_operations"] = [{"type": "deleting", "resource": deleting}]
    cli.says("stack export", json.dumps(exported))
    assert ctl("recover").exit_code == 0
    kept, runner = json.loads((cli.folder / "imported").read_text())["deployment"]["resources"]
    assert kept["outputs"]["output"] == {"gpu-1": "29990102T000000Z"}
    assert runner["inputs"]["delete"] == "bash -s -- remove 29990102T000000Z"


def test_the_layers_of_a_host_are_those_that_up_applies(site: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(site, tmp_path)
    made = site_from(site, stack="lab", folder=tmp_path)
    for host in made.active:
        lines = {
            f"sudo -n {command_line(layer, steps)}": payload(steps, {}) for layer, steps in layers(made, host).items()
        }
        own = [c for c in plan.of(COMMAND) if c.name in {f"{host.name}-{name}" for name in layers(made, host)}]
        assert {c.inputs["create"]: c.inputs["stdin"].partition("\n")[2] for c in own} == lines


def test_adopt_shows_what_this_stack_would_change_and_changes_nothing_unless_told(
    ctl: Sitectl, cli: FakePulumi
) -> None:
    state(cli, "2222")
    made = load_site("dev", ctl.folder)
    steps = layers(made, made.hosts["gpu-1"])["base"]
    sysctl = next(step for step in steps if step.id == "sysctl")
    rows = [ledger_line(step) for step in steps if step is not sysctl]
    rows += [f"sysctl\tsysctl@{'0' * 12}\tdone\tin:vm.swappiness=10", "limits\tlimits@aaaaaaaaaaaa\tdone\tin:x=a\\\\b"]
    ctl.hosts.files["gpu-1"] = {
        "owner": f"gpu-metal lab - 1111 {SINCE} -\n",
        "ledger/base": "\n".join(["gpu-metal ledger 1", *rows, f"end {len(rows)}", ""]),
        "ledger/members-07": "gpu-metal ledger 1\nnode_member#gpu-1\tnode_member@aaaaaaaaaaaa#gpu-1\tdone\nend 1\n",
        "ledger/sqream": "gpu-metal ledger 1\nsqream_run\tsqream_run@aaaaaaaaaaaa\tdone\nend 1\n",
    }
    result = ctl("adopt", "gpu-[1-2]")
    assert result.exit_code == 2
    assert "Nobody to ask here. gpu-1 was not taken over. Fix: repeat with --yes." in result.stderr
    assert f"gpu-1 belongs to stack gpu-metal/lab since {SINCE}." in result.stderr
    assert "this site has no layer sqream, so pulumi up leaves it" in result.stderr
    assert "gpu-2: no other stack has it. Nothing to take over." in result.stderr
    cells = [line.split() for line in result.stdout.splitlines()]
    assert ["gpu-1", "base", "limits", "sysctl", str(len(steps) - 1)] in cells
    assert ["gpu-1", "sqream", "sqream_run", "-", "0"] in cells
    assert "members" not in result.output
    assert [command for _, command in ctl.hosts.asked if "adopt" in command] == []
    assert not (cli.folder / "imported").exists()


def test_adopt_when_told_writes_the_owner_and_has_all_layers_of_the_host_applied_again(
    ctl: Sitectl, cli: FakePulumi
) -> None:
    state(cli, "2222", {"gpu-1": "20261129T214000Z"})
    exported = json.loads((cli.folder / "stack export.out").read_text())
    exported["deployment"]["resources"] += [resource("gpu-1-base", "x", "gpu-1"), resource("gpu-2-base", "x", "gpu-2")]
    cli.says("stack export", json.dumps(exported))
    ctl.hosts.files["gpu-1"] = {"owner": f"gpu-metal dev - 1111 {SINCE} -\n"}
    result = ctl("adopt", "gpu-1", "--yes")
    assert result.exit_code == 0, result.output
    assert f"gpu-1 belongs to another state of stack gpu-metal/dev since {SINCE}." in result.stderr
    assert ctl.hosts.told == {"gpu-1": "owner gpu-metal dev - 2222\n"}
    assert ("gpu-1", "/usr/local/sbin/gpu-metal adopt 20261129T214000Z") in ctl.hosts.asked
    marked = json.loads((cli.folder / "imported").read_text())["deployment"]["resources"]
    assert [r["urn"].rpartition("::")[2] for r in marked if "DRIFTED" in str(r.get("inputs"))] == ["gpu-1-base"]
    assert "Next: pulumi preview --diff, then pulumi up (1 resources run again)." in result.stderr


def test_adopt_takes_a_host_whose_owner_nobody_can_read(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, "2222")
    ctl.hosts.files["gpu-1"] = {"owner": "gpu-metal de"}
    result = ctl("adopt", "gpu-1", "--yes")
    assert result.exit_code == 0, result.output
    assert "gpu-1 belongs to somebody whose name cannot be read: the file owner there is cut." in result.stderr
    assert ctl.hosts.told == {"gpu-1": "owner gpu-metal dev - 2222\n"}


def ledger_line(step: Step) -> str:
    """A step as the runner's ledger has it (ledger.sh)."""
    bulk = [f"bulk:{k}={sha256(f'{text.rstrip()}{chr(10)}'.encode()).hexdigest()}" for k, text in step.bulk.items()]
    inputs = [f"in:{k}={v}".replace("\\", "\\\\").replace("\n", "\\n") for k, v in step.inputs.items()]
    return "\t".join([step.id, step.ref, "done", *inputs, *bulk])


def test_drift_names_the_stack_that_has_the_host_and_shows_no_step_of_its_ledger(ctl: Sitectl) -> None:
    ctl.hosts.owners = {"gpu-1": "gpu-metal lab - 1111", "gpu-2": "gpu-metal dev - -"}
    ctl.hosts.untrue["gpu-1", "swap_off"] = "swap is on"
    answer = ctl.json("drift")
    assert [(c["id"], c["saw"]) for c in answer["checks"] if c["host"] == "gpu-1"] == [("owner", OTHERS)]
    assert "sitectl adopt gpu-1" in answer["checks"][3]["fix"]
    assert answer["failures"] == ["owner"]


def test_drift_tells_a_second_state_of_the_same_stack(ctl: Sitectl, cli: FakePulumi) -> None:
    state(cli, "2222")
    ctl.hosts.owners = {"gpu-1": "gpu-metal dev - 1111", "gpu-2": "gpu-metal dev - 2222"}
    result = ctl("drift", "gpu-[1-2]")
    assert result.exit_code == 1
    assert f"✗ gpu-1 [owner] was set up last by another state of stack gpu-metal/dev, which has it since {SINCE}." in (
        result.stdout
    )
    assert "gpu-2 [" not in result.stdout
    assert len(cli.asked) == 1


def test_a_namesake_with_another_id_is_another_site(ctl: Sitectl) -> None:
    ctl.hosts.owners = {"gpu-1": "gpu-metal dev rack7 1111"}
    assert "gpu-1 [owner] belongs to stack gpu-metal/dev (site rack7) since" in ctl("drift", "gpu-1").stdout


def test_verify_says_whose_the_ledger_is(ctl: Sitectl) -> None:
    ctl.hosts.owners = {"gpu-1": "gpu-metal lab - 1111"}
    result = ctl("verify")
    assert result.exit_code == 1
    assert f"✗ gpu-1 [ledger] {OTHERS}" in result.stdout
