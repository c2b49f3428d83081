"""Which hosts are jump boxes, and what comes to them. Does not prove: that the steps work; ../scripts does."""

from pathlib import Path
from typing import Any

import pytest

from stacks.plan import preflight
from tests.parts.runai.sites import HOSTS, site_of
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("R8")

SHA = "ab" * 32
CLI = {"file": "/opt/runai", "sha256": SHA}
BOXES: dict[str, Any] = {
    "login-1": {"address": "10.0.0.51", "group": "login"},
    "login-2": {"address": "10.0.0.52", "group": "login", "packages": ["bash-completion=2.*", "tmux"]},
}


def site(folder: Path, **more: Any) -> Any:
    of: dict[str, Any] = {"groups": {"login": {}}}
    box = {"hosts": ["login"], "cli": CLI, **more}
    return site_of(folder, hosts={**HOSTS, **BOXES}, of=of, jumpBox=box)


def test_each_jump_box_gets_the_program_and_its_completion_in_one_layer(tmp_path: Path) -> None:
    plan = plan_of(site(tmp_path, adminCli={"url": "https://example.org/runai-adm", "sha256": SHA}))
    layers = {each.name: each.inputs["create"] for each in plan.resources.values() if each.name.endswith("-cli")}
    assert set(layers) == {"login-1-runai-cli", "login-2-runai-cli"}
    for line in layers.values():
        program = f"name=runai file=/opt/runai sha256={SHA}"
        admin = f"name=runai-adm url=https://example.org/runai-adm sha256={SHA}"
        places = [line.index(word) for word in (program, admin, "runai_completion@")]
        assert places == sorted(places)


def test_a_jump_box_has_the_package_that_completion_needs_once(tmp_path: Path) -> None:
    hosts = site(tmp_path).hosts
    assert hosts["login-1"].packages == ("bash-completion",)
    assert hosts["login-2"].packages == ("bash-completion=2.*", "tmux")
    assert hosts["cpu-1"].packages == ()


def test_preflight_looks_for_the_file_that_the_operator_brings(tmp_path: Path) -> None:
    def asked(host: str, **more: Any) -> dict[str, dict[str, str]]:
        there = site(tmp_path, **more)
        return {
            step.id: dict(step.inputs) for step in preflight(there, there.hosts[host]) if step.id.startswith("artefact")
        }

    assert asked("login-1") == {"artefact#runai": {"file": "/opt/runai", "what": "the command runai"}}
    assert asked("cpu-1") == {}
    fetched = {"url": "https://example.org/runai", "sha256": SHA}
    assert asked("login-1", cli=fetched) == {}
