"""Layers of one host are in a row: no two of its commands may run at once, whatever rooms it has.

Does not prove: what the engine makes of the dependencies; tests/lab brings such sites up.
"""

import re
from collections import defaultdict
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from stacks.load import site_from
from stacks.model import Site
from stacks.site import build
from tests.unit.conftest import a_key
from tests.unit.recorder import Plan, record
from tests.unit.test_golden import SAMPLES, FakeSecrets, planned
from tests.unit.test_plan import COMMAND, void

SUM = "0" * 64
GPU = {"model": "A100-SXM4-80GB", "count": 1}
PACKAGE = "sqream_installer-2.0.5-DB2020.3-CO1.7.6-ED4.0.0-x86_64"
SQREAM = {
    "kind": "sqream",
    "host": "one",
    "installer": {"package": PACKAGE, "file": f"/srv/{PACKAGE}.tar.gz", "sha256": SUM},
    "licenseSecret": "sqreamLicense",
    "folders": {"storage": "/media/sqreamdb"},
    "firstPort": 5100,
    "workers": [{"gpu": 0}],
    "workerHosts": {"two": {"workers": [{"gpu": 0}]}},
}
SHIFTER = {
    "kind": "shifter",
    "system": "greina",
    "source": {"version": "22.02.1", "archive": {"url": "https://example.org/shifter.tar.gz", "sha256": SUM}},
    "gateway": {"host": "one", "port": 5200},
    "runtimes": ["one", "two"],
    "images": {"path": "/scratch/images"},
    "mungeSecret": "mungeKey",
    "slurm": {
        "controller": "two",
        "partitions": {"gpu": {"hosts": ["one", "two"]}},
        "nodes": {"one": {"cpus": 2, "memoryMb": 1000}, "two": {"cpus": 2, "memoryMb": 1000}},
    },
}
ROOMS: dict[str, tuple[str, dict[str, Any]]] = {
    "gpu": ("gpu", {"gpu": {**GPU, "driver": "580"}}),
    "engine": ("engine", {"engine": {}}),
    "registry": ("engine", {"registry": {"host": "one", "passwordSecret": "registry"}}),
    "sqream": ("sqream", {"platforms": [SQREAM]}),
    "shifter": ("shifter", {"platforms": [SHIFTER]}),
    "kubernetes": ("node", {"kubernetes": {}}),
}
"""What the site says for a room, and the layer that a host then has."""
APART = [{"sqream", "kubernetes"}, {"sqream", "engine"}]
"""SQream needs Docker, and says so."""
PAIRS = [pair for pair in combinations(ROOMS, 2) if set(pair) not in APART]


def plan_of(site: Site) -> Plan:
    """What the program registers for a site, with secrets of no value."""
    outputs = {f"{site.name}-kubeconfig": {"stdout": "the-kubeconfig"}}
    return record(lambda: void(build(site, FakeSecrets())), outputs)


def rows(plan: Plan) -> dict[str, list[str]]:
    """By host: its commands that change something there."""
    found: dict[str, list[str]] = defaultdict(list)
    for command in plan.of(COMMAND):
        if re.match(r"(sudo -n )?(/usr/local/sbin/gpu-metal|bash) ", command.inputs["create"]):
            found[command.inputs["connection"]["host"]].append(command.name)
    return found


def not_in_a_row(plan: Plan) -> list[tuple[str, str]]:
    """Pairs of one host's commands of which neither waits for the other."""
    edges = {each.name: each.depends_on for each in plan.resources.values()}

    @cache
    def before(name: str) -> frozenset[str]:
        return frozenset(edges[name]).union(*(before(each) for each in edges[name]))

    every = [pair for names in rows(plan).values() for pair in combinations(names, 2)]
    return [(one, other) for one, other in every if one not in before(other) and other not in before(one)]


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_layers_of_a_host_are_in_a_row_in_every_sample(sample: str, tmp_path: Path, lab_folder: Path) -> None:  # noqa: ARG001
    plan = planned(sample, tmp_path)
    assert all(len(names) > 1 for names in rows(plan).values())
    assert not_in_a_row(plan) == []


@pytest.mark.row("K3")
def test_control_planes_change_one_after_another(tmp_path: Path, lab_folder: Path) -> None:  # noqa: ARG001
    """So that one which fails stops the run before the next one is touched."""
    plan = planned("ranges", tmp_path)
    for former, later in (("cp-1-node", "cp-2-node"), ("cp-2-node", "cp-3-node")):
        assert former in plan.one(later).depends_on
        assert ":: api_server@" in plan.one(later).inputs["create"]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_layers_of_a_host_are_in_a_row_for_every_pair_of_rooms(pair: tuple[str, str], tmp_path: Path) -> None:
    said = [ROOMS[room][1] for room in pair]
    site = {
        "gpu": GPU,
        **{key: value for each in said for key, value in each.items()},
        "platforms": [platform for each in said for platform in each.get("platforms", ())],
        "hosts": {"one": {"address": "10.0.0.1"}, "two": {"address": "10.0.0.2"}},
    }
    if "kubernetes" in pair:
        site["hosts"]["one"]["roles"] = ["control-plane", "worker"]
    keys = "".join(f"{host['address']} ssh-ed25519 {a_key(host['address'])}\n" for host in site["hosts"].values())
    (tmp_path / "known_hosts.pair").write_text(keys)
    made = site_from(site, stack="pair", folder=tmp_path)
    plan = plan_of(made)
    assert {f"one-{ROOMS[room][0]}" for room in pair} <= set(rows(plan)["10.0.0.1"])
    assert not_in_a_row(plan) == []
