"""The order in which many nodes join: all workers at once, as far as the engine's own limit lets them.

Does not prove: that a control plane bears so many joins at once.
"""

from functools import cache
from typing import Any

import pytest

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
