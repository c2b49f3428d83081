"""Many nodes: they join all at once, as far as the engine's own limit lets them, and questions do not multiply.

Does not prove: that a control plane bears so many joins at once.
"""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.parts.device_plugin import part, values
from components.parts.device_plugin.config import DevicePlugin
from components.parts.part import Hosts
from ops import pods
from stacks.load import site_from
from stacks.site import build
from tests.unit.recorder import Plan, record
from tests.unit.test_plan import NoSecrets, void

pytestmark = pytest.mark.row("K5", "X18")
WORKERS = 100


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    planes: dict[str, Any] = {f"cp-{n}": {"address": f"10.2.0.{n}", "roles": ["control-plane"]} for n in (1, 2, 3)}
    workers = {f"gpu-{n:03}": {"address": f"10.2.1.{n}"} for n in range(1, WORKERS + 1)}
    site = {"hosts": planes | workers, "kubernetes": {"endpoint": "api.example.org:6443"}}
    made = site_from(site, stack="lab", folder=tmp_path_factory.mktemp("many"), keys=False)
    return record(lambda: void(build(made, NoSecrets())), {"lab-kubeconfig": {"stdout": "x"}})


def depth(found: Plan) -> Any:
    """The longest way of commands on hosts to a resource, itself included."""

    @cache
    def of(name: str) -> int:
        resource = found.one(name)
        before = [of(each) for each in resource.depends_on if each in commands]
        return 1 + max(before, default=0)

    commands = {each.name for each in found.resources.values() if each.type == "command:remote:Command"}
    return of


def test_no_worker_waits_for_another_one(found: Plan) -> None:
    for number in range(1, WORKERS + 1):
        name = f"gpu-{number:03}"
        others = {each.rpartition("-")[0] for each in found.one(f"{name}-node").depends_on}
        assert others == {name, "cp-3"}


def test_so_many_nodes_join_that_the_engine_alone_bounds_how_many_at_once(found: Plan) -> None:
    """Each worker's join is ready to begin at the same depth: 3 planes in a row, and no row of workers."""
    of = depth(found)
    assert len({of(f"gpu-{number:03}-node") for number in range(1, WORKERS + 1)}) == 1
    assert of("gpu-001-node") == of("cp-3-node") + 1
    # In rows after the joins: the groups of members, a fixed number of them, whatever the number of nodes.
    groups = [each.name for each in found.resources.values() if "-members-" in each.name]
    assert 1 < len(groups) <= 32
    assert max(map(of, groups)) <= of("gpu-001-node") + len(groups)


@pytest.mark.row("M3")
@pytest.mark.parametrize(("dark", "questions"), [(pods.MANY, pods.MANY), (pods.MANY + 1, 1), (1000, 1)])
def test_many_nodes_that_do_not_answer_are_one_question(tmp_path: Path, dark: int, questions: int) -> None:
    site = site_from({"hosts": {"cp-1": {"address": "10.2.0.1"}}}, stack="lab", folder=tmp_path, keys=False)
    names = [f"gpu-{n}" for n in range(dark)]
    asked: list[str] = []

    async def kubectl(what: str, path: str) -> str:
        if path != pods.ENDING:
            return ""
        asked.append(what)
        node = what.partition("spec.nodeName=")[2]
        return "".join(f"a/{name}\t{name}\t2026-01-01T00:00:00Z\n" for name in names if node in ("", name))

    found = asyncio.run(pods.ask(site, "cp-1", dict.fromkeys(names, "Unknown"), kubectl))
    assert (len(asked), len(found)) == (questions, dark)
    assert all("1 pod is Terminating" in check.saw for check in found)


def looks(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often the device plugin looks at all hosts while a site of so many is read."""
    seen: list[str] = []
    strategy = values.strategy
    # Its modules are loaded before the stand-in is there: else its checks would keep the stand-in.
    assert part.PART.config is DevicePlugin

    def counted(config: DevicePlugin, hosts: Hosts) -> str:
        seen.append("")
        return strategy(config, hosts)

    monkeypatch.setattr(values, "strategy", counted)
    gpu = {"model": "A100-SXM4-80GB", "count": 8, "toolkit": {}}
    workers = {f"gpu-{n}": {"address": f"10.2.1.{n + 1}", "gpu": gpu} for n in range(count)}
    hosts = {"cp-1": {"address": "10.2.0.1", "roles": ["control-plane"]}, **workers}
    site = site_from({"hosts": hosts, "kubernetes": {}, "devicePlugin": {}}, stack="lab", folder=folder, keys=False)
    assert {site.devices_on(host) for name, host in site.hosts.items() if name != "cp-1"} == {"cdi"}
    monkeypatch.setattr(values, "strategy", strategy)
    return len(seen)


def test_a_part_does_not_look_at_all_hosts_for_each_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks(tmp_path, 4, monkeypatch) == looks(tmp_path, 16, monkeypatch)
