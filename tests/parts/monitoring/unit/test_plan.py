"""Monitoring's values, objects and questions as data.

Does not prove: that the chart takes them, and that Prometheus answers so; the lab's story does.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.parts.chart import known, leaves, unknown
from components.parts.monitoring import receivers
from components.parts.monitoring.config import Alertmanager, Monitoring
from components.parts.monitoring.values import ours
from lab.tools.debian import unpacked
from ops import chart_keys, questions
from stacks.checks import notes
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site
from stacks.needed import listening
from tests.samples import ROOT, UPSTREAM
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
    without = (KEYS - {chart_keys.EVERY_IMAGE}) | {("alertmanager", "alertmanagerSpec", "image", "repository")}
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


def test_alertmanager_takes_the_configuration(tmp_path: Path) -> None:
    amtool = shutil.which("amtool") or str(unpacked("prometheus-alertmanager") / "usr/bin/amtool")
    if not Path(amtool).exists():
        pytest.skip("amtool of Debian's prometheus-alertmanager is not here: python3 -m lab.tools.get debian")
    hook = {"kind": "webhook", "urlSecret": "hookUrl"}
    said = Alertmanager.model_validate({"receivers": {**RECEIVERS, "hook": hook}})
    secrets = {"slackUrl": "https://chat.example.org/x", "mailPassword": "word", "hookUrl": "https://a.example.org/b"}
    (tmp_path / "alertmanager.yaml").write_text(json.dumps(receivers.configuration(said, secrets), indent=1))
    words = [amtool, "check-config", str(tmp_path / "alertmanager.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 receivers" in done.stdout


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
