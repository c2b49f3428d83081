"""The engine layer of hosts that belong to several rooms: what each host gets of it."""

from pathlib import Path

from ruamel.yaml import YAML

from stacks.load import site_from
from stacks.plan import engine
from tests.unit.conftest import a_key

ROOT = Path(__file__).parents[2]


def test_dockers_users_are_the_hosts_and_a_pinned_toolkit_waits_for_containers(tmp_path: Path) -> None:
    config = YAML(typ="safe").load(ROOT / "tests/sites/good/racks.yaml")["config"]["gpu-metal:site"]
    config["engine"]["users"] = ["rancher", "directory"]
    config["groups"]["database"]["gpu"]["toolkit"]["version"] = "1.20.1-1"
    addresses = [host["address"] for host in config["hosts"].values()]
    (tmp_path / "known_hosts.lab").write_text("".join(f"{a} ssh-ed25519 {a_key(a)}\n" for a in addresses))
    made = site_from(config, stack="lab", folder=tmp_path)
    found = {
        host.name: [step.inputs["users"] for step in engine(made, host) if step.id == "docker_users"]
        for host in made.active
    }
    assert found == {"db-1": ["directory"], "node-1": ["directory"], "zeus": ["rancher directory"]}
    made_so = [step.id for step in engine(made, made.hosts["db-1"])]
    assert made_so[1:3] == ["engine_at_rest#gpu-toolkit", "packages#gpu-toolkit"]
