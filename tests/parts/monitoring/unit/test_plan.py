"""Monitoring's values, objects and questions as data.

Does not prove: that the chart takes them, and that Prometheus answers so; the lab's story does.
"""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.report import Check
from components.hostrun.ssh import Result
from components.parts.chart import known, leaves, unknown
from components.parts.monitoring import receivers
from components.parts.monitoring.config import Alertmanager, Monitoring
from components.parts.monitoring.values import ours
from components.parts.part import Question
from ops import chart_keys, probes, questions
from stacks.checks import notes
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site
from stacks.needed import listening
from tests.chart_values import UPSTREAM
from tests.samples import ROOT
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("M1")

KEYS = known((ROOT / "components/parts/monitoring/chart.keys").read_text())
RECEIVERS = {
    "chat": {"kind": "slack", "urlSecret": "slackUrl", "channel": "#gpus"},
    "mail": {
        "kind": "email",
        "to": "a@example.org",
        "sender": "b@example.org",
        "server": "mail.example.org:587",
        "passwordSecret": "mailPassword",
        "severities": ["critical"],
    },
}
REMOTE = {"url": "https://metrics.example.org/write"}
FULL: dict[str, Any] = {
    "storage": {"size": "100Gi", "storageClass": "fast"},
    "grafana": {"passwordSecret": "grafanaPassword"},
    "alertmanager": {"receivers": RECEIVERS},
    "remoteWrite": {
        "one": {**REMOTE, "user": "me", "passwordSecret": "remotePassword"},
        "two": {**REMOTE, "tokenSecret": "remoteToken"},
    },
    "labels": {"cluster": "a"},
    "images": "mirror.example.org:5000/all",
}


def site(folder: Path, said: dict[str, Any] | None = FULL, *, gone: bool = False, **more: Any) -> Site:
    """A control plane, a worker without GPUs, one with eight; and another one, which is gone."""
    gpu = {"gpu": {"model": "A100-SXM4-80GB", "count": 8}}
    hosts: dict[str, dict[str, Any]] = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "cpu-1": {"address": "10.0.0.21"},
        "gpu-1": {"address": "10.0.0.31", **gpu},
    }
    if gone:
        hosts["gpu-2"] = {"address": "10.0.0.32", **gpu, "state": "gone"}
    whole = {"hosts": hosts, "kubernetes": {}, "gpuOperator": {}, **more}
    if said is not None:
        whole["monitoring"] = said
    return site_from(whole, stack="lab", folder=folder, keys=False)


def config(of: Site) -> Monitoring:
    found = ground(of).config(Monitoring)
    assert found
    return found


def test_all_objects_of_the_cluster_are_selected_and_the_volume_never_fills(tmp_path: Path) -> None:
    spec = ours(config(site(tmp_path)))["prometheus"]["prometheusSpec"]
    selectors = {name: value for name, value in spec.items() if name.endswith("SelectorNilUsesHelmValues")}
    assert set(selectors.values()) == {False}
    assert len(selectors) == 5
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "100Gi")
    assert (spec["retention"], spec["retentionSize"]) == ("15d", "87040MB")
    assert spec["remoteWrite"][0]["basicAuth"]["password"] == {"name": "gpu-metal-remote-write", "key": "one-password"}
    assert spec["remoteWrite"][1]["authorization"]["credentials"]["key"] == "two-token"


def test_what_is_not_asked_for_is_off(tmp_path: Path) -> None:
    plain = ours(config(site(tmp_path, {"nodeExporter": False})))
    off = ("alertmanager", "grafana", "nodeExporter", "kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")
    assert [plain[name]["enabled"] for name in off] == [False] * 7
    assert "global" not in plain
    assert "storageSpec" not in plain["prometheus"]["prometheusSpec"]
    assert ours(config(site(tmp_path, {"controlPlane": True})))["kubeEtcd"] == {"enabled": True}


def test_each_value_that_is_set_is_a_key_of_the_chart(tmp_path: Path) -> None:
    wanted = ours(config(site(tmp_path)))
    assert unknown(wanted, KEYS) == []
    set_here = set(leaves(wanted))
    assert [key for key in sorted(KEYS) if not any(path[: len(key)] == key for path in set_here)] == []


def test_the_charts_own_values_have_each_key_and_one_mirrors_all_images() -> None:
    charts = {"kube-prometheus-stack": "88.5.3", "kube-state-metrics": "8.4.0", "prometheus-node-exporter": "4.56.1"}
    files = [UPSTREAM / name / version / "values.yaml" for name, version in charts.items()]
    if not files[0].exists():
        pytest.skip(f"the chart's own values are not here: {files[0]}")
    read = chart_keys.values([str(files[0]), *(f"{file.parts[-3]}={file}" for file in files[1:])])
    assert list(chart_keys.lacking(KEYS, read)) == []
    without = KEYS - {chart_keys.EVERY_IMAGE}
    lacking = "prometheusOperator.image.repository: an image that no mirror is set for"
    assert lacking in chart_keys.lacking(without, read)


@pytest.mark.row("X2")
def test_secrets_are_in_secrets_and_the_release_comes_after_them(tmp_path: Path) -> None:
    plan = plan_of(site(tmp_path))
    release, rules = plan.one("monitoring-release"), plan.one("monitoring-alerts")
    assert (release.inputs["name"], release.inputs["namespace"]) == ("prometheus", "monitoring")
    assert release.inputs["repositoryOpts"] == {"repo": "https://prometheus-community.github.io/helm-charts"}
    made = {f"monitoring-{name}": key for name, key in (("admin", 2), ("receivers", 1), ("remote-write", 3))}
    for name, count in made.items():
        assert name in release.depends_on
        assert plan.one(name).secret == {"stringData"}
        assert len(plan.one(name).inputs["stringData"]) == count
    assert "the value of" not in json.dumps(dict(release.inputs))
    told = json.loads(plan.one("monitoring-receivers").inputs["stringData"]["alertmanager.yaml"])
    assert told["receivers"][1]["slack_configs"][0]["api_url"] == "the value of slackUrl"
    assert plan.one("monitoring-receivers").inputs["metadata"]["name"] == (
        "alertmanager-prometheus-kube-prometheus-alertmanager"
    )
    assert "monitoring-release" in rules.depends_on
    assert plan.one("monitoring-namespace").inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == (
        "privileged"
    )


def test_each_receiver_gets_the_alerts_that_it_wants() -> None:
    said = Alertmanager.model_validate({"receivers": RECEIVERS})
    whole = receivers.configuration(said, {"slackUrl": "https://chat.example.org/x\n", "mailPassword": "word"})
    assert [(route["receiver"], route["matchers"]) for route in whole["route"]["routes"]] == [
        ("chat", ['severity =~ "critical|warning"']),
        ("mail", ['severity =~ "critical"']),
    ]
    assert whole["route"]["receiver"] == "nobody"
    assert whole["receivers"][1]["slack_configs"][0]["api_url"] == "https://chat.example.org/x"
    mail = whole["receivers"][2]["email_configs"][0]
    assert (mail["auth_username"], mail["auth_password"], mail["from"]) == ("b@example.org", "word", "b@example.org")


@pytest.mark.row("O1")
def test_the_gpus_are_scraped_where_the_site_has_monitoring(tmp_path: Path) -> None:
    def scraped(of: Site) -> bool:
        values = plan_of(of).one("gpu-operator-release").inputs["values"]
        return bool(values["dcgmExporter"]["serviceMonitor"]["enabled"])

    assert scraped(site(tmp_path))
    assert not scraped(site(tmp_path, None))
    assert not scraped(site(tmp_path, gpuOperator={"dcgm": {"serviceMonitor": False}}))
    assert scraped(site(tmp_path, {"kind": "existing"}))
    after = plan_of(site(tmp_path)).one("gpu-operator-release").depends_on
    assert "monitoring-release" in after, "the CRD of a ServiceMonitor comes first"


def test_what_others_run_is_asked_and_nothing_is_made(tmp_path: Path) -> None:
    others = site(tmp_path, {"kind": "existing", "prometheus": {"namespace": "watch", "name": "prom"}})
    made = [each.type for each in plan_of(others).resources.values() if each.name.startswith("monitoring")]
    assert [kind for kind in made if kind.startswith("kubernetes:")] == []
    asked = [each.words for name, each in questions.of(others) if name == "monitoring"]
    assert asked == [("watch", "prom", "9090")] * 2
    unnamed = site(tmp_path, {"kind": "existing"})
    assert [each for name, each in questions.of(unnamed) if name == "monitoring"] == []
    assert any(line.startswith("monitoring: without prometheus,") for line in notes(unnamed))


def test_hosts_open_the_exporters_port(tmp_path: Path) -> None:
    of = site(tmp_path, gone=True)
    found = {name for name, host in of.hosts.items() if any(each.port == "9100" for each in listening(of, host))}
    assert found == {"cp-1", "cpu-1", "gpu-1"}


def test_what_is_left_out_on_purpose_is_a_note(tmp_path: Path) -> None:
    said = list(notes(site(tmp_path, {"kubeStateMetrics": False}, gpuOperator={"dcgm": {"enabled": False}})))
    begins = [
        "monitoring: without storage, all measurements are lost",
        "monitoring: without alertmanager, nobody is told",
        "monitoring.kubeStateMetrics: without it, there is no alert",
        "monitoring: no part measures GPUs",
    ]
    assert [any(line.startswith(begin) for line in said) for begin in begins] == [True] * 4
    assert [line for line in notes(site(tmp_path)) if line.startswith("monitoring")] == []


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
