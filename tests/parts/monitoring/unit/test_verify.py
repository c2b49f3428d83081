"""What `sitectl verify` asks about monitoring, and what it makes of Prometheus's answers.

Does not prove: that Prometheus answers so; the lab's story does.
"""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.report import Check
from components.hostrun.ssh import Result
from components.parts.part import Question
from ops import probes, questions
from tests.parts.monitoring.unit.test_plan import site

pytestmark = pytest.mark.row("M1")


@pytest.mark.row("M3")
def test_each_workload_is_asked_for(tmp_path: Path) -> None:
    names = {probe.name for name, probe in probes.of(site(tmp_path)) if name == "monitoring"}
    assert names == {
        "prometheus-kube-prometheus-operator",
        "prometheus-prometheus-kube-prometheus-prometheus",
        "alertmanager-prometheus-kube-prometheus-alertmanager",
        "prometheus-grafana",
        "prometheus-kube-state-metrics",
        "prometheus-prometheus-node-exporter",
    }


def series(*found: tuple[dict[str, str], int]) -> dict[str, Any]:
    """Prometheus's answer to a query."""
    result = [{"metric": labels, "value": [1.5, str(value)]} for labels, value in found]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def put(question: Question, folder: Path, *answers: dict[str, Any] | None) -> Check:
    """The check, where kubectl gets these answers one after the other; it fails at None."""
    for number, answer in enumerate(answers):
        if answer is not None:
            (folder / f"{number}").write_text(json.dumps(answer, separators=(",", ":")))
    kubectl = f"n=$(cat {folder}/n 2>/dev/null || echo 0); echo $((n + 1)) >{folder}/n; cat {folder}/$n"
    (folder / "kubectl").write_text(f"#!/bin/bash\n{kubectl}\n")
    (folder / "kubectl").chmod(0o755)

    async def bash(words: str, script: bytes) -> Result:
        done = subprocess.run(
            ["bash", "-c", f"PATH={folder}:$PATH bash -s -- {words}"], input=script, capture_output=True, check=False
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return asyncio.run(questions.ask("cp-1", "monitoring", question, bash))


@pytest.fixture
def asks(tmp_path: Path) -> dict[str, Question]:
    """The part's questions, by their ids."""
    found = {each.id: each for name, each in questions.of(site(tmp_path, gone=True)) if name == "monitoring"}
    expected = ("node-exporter=3", "kube-state-metrics=1", "nvidia-dcgm-exporter=1")
    assert found["targets"].words == ("monitoring", "prometheus-kube-prometheus-prometheus", "9090", *expected)
    return found


EXPECTED = [({"job": "node-exporter"}, 3), ({"job": "kube-state-metrics"}, 1), ({"job": "nvidia-dcgm-exporter"}, 1)]


@pytest.mark.row("M3")
@pytest.mark.parametrize(
    ("up", "silent", "status", "saw"),
    [
        (EXPECTED, [], "ok", "targets up: 5"),
        (EXPECTED[:2], [], "failed", "Prometheus does not know all targets of nvidia-dcgm-exporter (0 of 1)."),
        (EXPECTED, [({"job": "node-exporter"}, 2)], "failed", "targets do not answer: node-exporter (2)."),
    ],
)
def test_targets_that_are_unknown_or_silent_are_named(
    asks: dict[str, Question], tmp_path: Path, up: Any, silent: Any, status: str, saw: str
) -> None:
    check = put(asks["targets"], tmp_path, series(), series(*up), series(*silent))
    assert (check.status, check.saw) == (status, saw)
    assert bool(check.fix) == (status == "failed")


@pytest.mark.row("M3", "M2")
def test_alerts_that_fire_are_named_with_their_hosts(asks: dict[str, Question], tmp_path: Path) -> None:
    lost = ({"alertname": "GpuLost", "host": "gpu-1", "severity": "critical"}, 1)
    full = ({"alertname": "KubeQuotaFull", "severity": "warning"}, 2)
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    quiet = put(asks["alerts"], folders[0], series())
    assert (quiet.status, quiet.saw) == ("ok", "no alert fires")
    some = put(asks["alerts"], folders[1], series(full))
    assert (some.status, some.saw) == ("note", "alerts fire: KubeQuotaFull.")
    both = put(asks["alerts"], folders[2], series(full, lost))
    assert (both.status, both.saw) == ("failed", "critical alerts fire: GpuLost (gpu-1); others: KubeQuotaFull.")
    assert both.fix.startswith("./sitectl verify gpu-1; ")
    assert put(asks["alerts"], folders[3], None).saw == "Prometheus does not answer."


@pytest.mark.row("M3")
def test_a_prometheus_that_is_silent_fails(asks: dict[str, Question], tmp_path: Path) -> None:
    check = put(asks["targets"], tmp_path, None)
    assert check.status == "failed"
    assert check.saw == "Prometheus does not answer at -n monitoring service prometheus-kube-prometheus-prometheus."
    assert check.fix == "see kubectl get pods -n monitoring -o wide there"
