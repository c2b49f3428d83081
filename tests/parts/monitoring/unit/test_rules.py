"""The site's alerts, by Prometheus's own promtool: it reads them, and they fire for what they are about.

Does not prove: that exporters measure so; the lab's story does for nodes and lost GPUs.
"""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.parts.monitoring import rules
from lab.tools.debian import unpacked
from stacks.ground import ground
from stacks.load import site_from
from stacks.model import Site
from tests.parts.ingress.unit import test_plan as ingress
from tests.parts.monitoring.unit.test_plan import site

pytestmark = pytest.mark.row("M1")

HOST = {"Hostname": "gpu-1", "gpu": "3"}
SHARE = {"instance": "10.0.0.31:9100", "device": "nas:/data", "mountpoint": "/data", "fstype": "nfs4"}
NAMED = 'node_uname_info{instance="10.0.0.31:9100", nodename="gpu-1"}'


def promtool(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Debian's; the lab unpacks it."""
    program = shutil.which("promtool") or str(unpacked("prometheus") / "usr/bin/promtool")
    if not Path(program).exists():
        pytest.skip("promtool of Debian's prometheus is not here: make lab-tools")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False, cwd=folder)


def written(of: Site, folder: Path) -> dict[str, dict[str, Any]]:
    """Writes the rules as a file of Prometheus; returns them by the alert's name."""
    groups = rules.groups(ground(of))
    (folder / "rules.json").write_text(json.dumps({"groups": groups}))
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    """One of promtool's input series."""
    said = ", ".join(f'{label}="{value}"' for label, value in labels.items())
    return {"series": f"{name}{{{said}}}", "values": values}


def fires(alert: str, at: str, folder: Path, *given: dict[str, str]) -> list[dict[str, str]]:
    """Labels of an alert that fires at a time, as promtool says; values are a minute apart."""
    wanted: list[dict[str, Any]] = [
        {"eval_time": at, "alertname": alert, "exp_alerts": [{"exp_labels": {"no": "one"}}]}
    ]
    test = {"interval": "1m", "input_series": list(given), "alert_rule_test": wanted}
    (folder / "test.json").write_text(
        json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": [test]})
    )
    said = promtool("test", "rules", "test.json", folder=folder)
    got = (said.stdout + said.stderr).partition("got:")[2]
    assert got, said.stderr + said.stdout
    lines = [line.partition("Labels:{")[2].partition("}")[0] for line in got.splitlines() if "Labels:{" in line]
    return [dict(part.strip().replace('"', "").split("=", 1) for part in line.split(", ")) for line in lines]


def test_prometheus_reads_them_and_each_has_its_command_and_its_page(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs/parts/monitoring/how-to.md").read_text()
    alerts: dict[str, dict[str, Any]] = {}
    for of in (ingress_site(tmp_path), site(tmp_path)):
        alerts |= written(of, tmp_path)
        said = promtool("check", "rules", "rules.json", folder=tmp_path)
        assert said.returncode == 0, said.stderr
    assert "SiteCertificateExpires" in alerts
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook"].startswith("./sitectl verify"), name
        assert f"`{name}`" in page


def test_a_site_without_gpus_has_no_alerts_about_them(tmp_path: Path) -> None:
    hosts = {"cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]}}
    plain = site_from({"hosts": hosts, "kubernetes": {}, "monitoring": {}}, stack="lab", folder=tmp_path, keys=False)
    assert [name for name in written(plain, tmp_path) if name.startswith("Gpu")] == []


@pytest.mark.row("M2")
@pytest.mark.parametrize(
    ("offered", "lost"),
    [("8x20", False), ("8x2 7x20", True), ("0x20", True), (None, True)],
)
def test_a_node_that_offers_fewer_gpus_than_the_site_declares(tmp_path: Path, offered: str | None, lost: bool) -> None:
    written(site(tmp_path), tmp_path)
    given = [series("kube_node_info", "1x20", node="gpu-1"), series("kube_node_info", "1x20", node="cpu-1")]
    if offered:
        given.append(series("kube_node_status_allocatable", offered, node="gpu-1", resource="nvidia_com_gpu"))
    found = fires("GpuLost", "15m", tmp_path, *given)
    assert [(one["host"], one["severity"]) for one in found] == ([("gpu-1", "critical")] if lost else [])


@pytest.mark.parametrize(
    ("alert", "at", "given"),
    [
        ("GpuXid", "5m", [series("DCGM_FI_DEV_XID_ERRORS", "0x2 79x20", **HOST)]),
        ("GpuXidOfJob", "5m", [series("DCGM_FI_DEV_XID_ERRORS", "0x2 31x20", **HOST)]),
        ("GpuMemoryBroken", "5m", [series("DCGM_FI_DEV_ROW_REMAP_FAILURE", "1x20", **HOST)]),
        ("GpuEccErrors", "5m", [series("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "1x2 2x20", **HOST)]),
        ("GpuHot", "15m", [series("DCGM_FI_DEV_GPU_TEMP", "86x20", **HOST)]),
        ("GpuHot", "15m", [series("DCGM_FI_DEV_MEMORY_TEMP", "96x20", **HOST)]),
        (
            "NodeNotReady",
            "10m",
            [series("kube_node_status_condition", "0x20", node="gpu-1", condition="Ready", status="true")],
        ),
        (
            "ShareFull",
            "15m",
            [
                series("node_filesystem_avail_bytes", "5x20", **SHARE),
                series("node_filesystem_size_bytes", "100x20", **SHARE),
                {"series": NAMED, "values": "1x20"},
            ],
        ),
        (
            "ShareHangs",
            "10m",
            [series("node_filesystem_device_error", "1x20", **SHARE), {"series": NAMED, "values": "1x20"}],
        ),
        (
            "EtcdDown",
            "5m",
            [series("kube_pod_status_ready", "0x20", namespace="kube-system", pod="etcd-gpu-1", condition="true")],
        ),
    ],
)
def test_each_fires_for_its_host_and_not_for_what_is_well(
    tmp_path: Path, alert: str, at: str, given: list[dict[str, str]]
) -> None:
    written(site(tmp_path), tmp_path)
    assert [one["host"] for one in fires(alert, at, tmp_path, *given)] == ["gpu-1"]
    well = [{**one, "values": {"1x20": "1x20", "100x20": "100x20"}.get(one["values"], "50x20")} for one in given]
    well = [{**one, "values": WELL.get(one["series"].partition("{")[0], one["values"])} for one in well]
    assert fires(alert, at, tmp_path, *well) == []


WELL = {
    "DCGM_FI_DEV_XID_ERRORS": "0x20",
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": "0x20",
    "kube_node_status_condition": "1x20",
    "kube_pod_status_ready": "1x20",
    "node_filesystem_device_error": "0x20",
}
"""What these measure where all is well; others are 50."""


def test_an_error_that_a_job_caused_is_not_the_gpus(tmp_path: Path) -> None:
    written(site(tmp_path), tmp_path)
    of_job = series("DCGM_FI_DEV_XID_ERRORS", "0x2 13x200", **HOST)
    assert fires("GpuXid", "5m", tmp_path, of_job) == []
    assert fires("GpuXidOfJob", "90m", tmp_path, of_job) == [], "an hour later nobody needs to know any more"


def test_etcd_is_judged_by_what_the_api_server_knows(tmp_path: Path) -> None:
    written(site(tmp_path), tmp_path)
    full = series("apiserver_storage_size_bytes", "1800000000x30", job="apiserver", instance="cp-1")
    assert len(fires("EtcdFull", "15m", tmp_path, full)) == 1
    slow = [
        series("etcd_request_duration_seconds_bucket", values, job="apiserver", instance="cp-1", le=le)
        for le, values in (("1", "0+1x40"), ("5", "0+10x40"), ("+Inf", "0+10x40"))
    ]
    assert len(fires("EtcdSlow", "30m", tmp_path, *slow)) == 1
    ends = [
        series("apiserver_client_certificate_expiration_seconds_bucket", values, job="apiserver", le=le)
        for le, values in (("86400", "0+5x60"), ("31104000", "0+10x60"), ("+Inf", "0+10x60"))
    ]
    assert len(fires("ClientCertificateExpires", "50m", tmp_path, *ends)) == 1


def ingress_site(folder: Path) -> Site:
    """A site with the ingress, whose certificate's end its file says."""
    own = {"kind": "haproxy", "certificate": str(ingress.CERTIFICATE), "keySecret": "ingressKey"}
    network = {"ingress": own, "loadBalancer": ingress.POOL}
    data = {"domain": "ai.example.org", "hosts": ingress.HOSTS, "kubernetes": {}, "network": network, "monitoring": {}}
    return site_from(data, stack="lab", folder=folder, keys=False)


def test_the_sites_certificate_is_due_a_month_before_its_end(tmp_path: Path) -> None:
    rule = written(ingress_site(tmp_path), tmp_path)["SiteCertificateExpires"]
    end, _, rest = rule["expr"].partition(" ")
    assert rest == "- time() < 2592000"
    end = end.removeprefix("vector(").removesuffix(")")
    assert datetime.fromtimestamp(int(end), UTC) > datetime.now(UTC)
    # promtool begins at the year 1970.
    (tmp_path / "rules.json").write_text((tmp_path / "rules.json").read_text().replace(end, str(2592000 + 300)))
    assert fires("SiteCertificateExpires", "4m", tmp_path) == []
    assert len(fires("SiteCertificateExpires", "6m", tmp_path)) == 1
