"""Probes of parts: what verify says of a workload. Does not prove: kubectl's own output."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.hostrun.report import Check
from components.hostrun.ssh import Result
from components.parts.part import ClusterPart, Expected, Probe
from ops import probes
from ops.in_cluster import Kubectl
from tests.unit.test_parts import GIVER, HERE, Config, entry, site_with

PROBE = Probe("daemonset", "agent", "giver")
VALUE = Expected("data", "persistentvolumeclaim data -n vision", "{.status.phase}", "Bound", "its phase", "describe it")


def test_a_site_has_the_probes_of_its_parts(tmp_path: Path) -> None:
    half: ClusterPart[Config] = ClusterPart(
        {}, f"{HERE}:Whole", probes=lambda config: (replace(PROBE, name=config.text),), expected=lambda _: (VALUE,)
    )
    site = site_with(tmp_path, entry("giver", replace(GIVER, cluster=half)), kubernetes={})
    assert list(probes.of(site)) == [("giver", replace(PROBE, name="hello")), ("giver", VALUE)]
    assert list(probes.of(site_with(tmp_path, entry("giver", replace(GIVER, cluster=None))))) == []


@pytest.mark.row("M3")
@pytest.mark.parametrize(
    ("counts", "status", "saw"),
    [
        ("2/2", "ok", "2 available"),
        ("/0", "ok", "0 available"),
        ("1/2", "failed", "daemonset agent -n giver has 1 of 2 pods available."),
        ("/2", "failed", "daemonset agent -n giver has 0 of 2 pods available."),
        ("", "failed", "there is no daemonset agent -n giver."),
    ],
)
def test_a_workload_is_whole_or_not(counts: str, status: str, saw: str) -> None:
    check = probes.workload("cp-1", "giver", PROBE, counts)
    assert (check.id, check.host, check.status, check.saw) == ("giver/agent", "cp-1", status, saw)


@pytest.mark.row("M3")
def test_all_workloads_are_asked_in_one_request() -> None:
    asked: list[str] = []

    async def ask(_: object, command: str, *, stdin: bytes, **__: object) -> Result:
        asked.append(command)
        items = json.loads(stdin)["items"]
        assert items[1]["apiVersion"] == "batch/v1"
        there = [
            {**items[0], "status": {"numberAvailable": 1, "desiredNumberScheduled": 2}},
            {**items[1], "status": {}, "spec": {"completions": 1}},
        ]
        return Result(0, json.dumps({"kind": "List", "items": there}), "")

    gone = replace(PROBE, kind="statefulset")
    job = replace(PROBE, kind="job")
    plane: Any = SimpleNamespace(name="cp-1")
    found = asyncio.run(probes.counts([PROBE, job, gone], Kubectl(cast("Any", SimpleNamespace(ask=ask)), plane)))
    assert found == {PROBE: "1/2", job: "/1"}
    assert len(asked) == 1


@pytest.mark.row("M3")
@pytest.mark.parametrize(
    ("answer", "status", "saw"),
    [
        (" Bound \n", "ok", "Bound"),
        ("Pending", "failed", "persistentvolumeclaim data -n vision: its phase is Pending"),
        ("", "failed", "persistentvolumeclaim data -n vision: its phase is none"),
    ],
)
def test_a_value_is_as_it_must_be_or_not(answer: str, status: str, saw: str) -> None:
    async def kubectl(words: str, path: str) -> str:
        assert (words, path) == ("persistentvolumeclaim data -n vision --ignore-not-found", "{.status.phase}")
        return answer

    check: Check = asyncio.run(probes.value("cp-1", "giver", VALUE, kubectl))
    assert (check.id, check.status, check.saw) == ("giver/data", status, saw)
    assert (check.want, check.fix) == (("", "") if status == "ok" else ("Bound", "describe it"))


@pytest.mark.row("M3")
@pytest.mark.parametrize(
    ("counts", "status", "saw"),
    [
        ("1/1", "ok", "1 done"),
        ("/1", "failed", "job agent -n giver has 0 of 1 pods done."),
        ("", "failed", "there is no job agent -n giver."),
    ],
)
def test_a_job_has_ended_well_or_not(counts: str, status: str, saw: str) -> None:
    check = probes.workload("cp-1", "giver", replace(PROBE, kind="job"), counts)
    assert (check.status, check.saw) == (status, saw)


@pytest.mark.row("M3")
def test_a_node_offers_what_a_part_promises_or_not(tmp_path: Path) -> None:
    half: ClusterPart[Config] = ClusterPart(
        {}, f"{HERE}:Whole", offers=lambda _, ground: {host: {"example.org/chip": 8} for host in ground.hosts}
    )
    [offer] = probes.offers(site_with(tmp_path, entry("giver", replace(GIVER, cluster=half)), kubernetes={}))
    found = [offer.compared(node) for node in ({"example.org/chip": "8"}, {"example.org/chip": "7"}, {"cpu": "4"})]
    assert [(check.id, check.host) for check in found] == [("giver/example.org/chip", "one")] * 3
    assert [(check.status, check.saw, check.want) for check in found] == [
        ("ok", "8 for pods", "8"),
        ("failed", "the node has 7 for pods", "8"),
        ("failed", "the node has 0 for pods", "8"),
    ]
    assert "kubectl describe node one" in found[1].fix
