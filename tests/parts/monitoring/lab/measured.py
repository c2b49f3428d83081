"""Monitoring of the lab's site, and what its Prometheus says to `sitectl verify`."""

import json
from typing import Any

from components.parts.monitoring.values import NAMESPACE, WHOLE
from tests.lab.cluster import kubectl
from tests.lab.stack import Stack, on

_EXPORTER = "nvidia-dcgm-exporter"
_METRICS = "/tmp/www/metrics"  # noqa: S108 - in the container
_ADMIN = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]


def of_site() -> dict[str, Any]:
    """The part's lines: the lab's chart, its images under the upstream's names; it looks more often than usual."""
    often = {"scrapeInterval": "5s", "evaluationInterval": "5s"}
    return {
        "repository": "http://10.213.77.1:8080/charts",
        "images": "registry.k8s.io",
        "labels": {"cluster": "lab"},
        "values": {"prometheus": {"prometheusSpec": often}},
    }


def said(stack: Stack) -> dict[str, tuple[str, str, str]]:
    """Status, words and fix of the part's checks, by their names."""
    checks = json.loads(stack.sitectl("verify", "-o", "json").out)["checks"]
    own = [each for each in checks if each["id"].startswith("monitoring/")]
    return {each["id"]: (each["status"], each["saw"], each.get("fix", "")) for each in own}


def firing() -> set[str]:
    """Names of the alerts that Prometheus holds, as it says itself: costs the hosts less than a look of `verify`."""
    at = f"/api/v1/namespaces/{NAMESPACE}/services/http:{WHOLE}-prometheus:9090/proxy/api/v1/alerts"
    alerts = json.loads(on("cp-1", [*_ADMIN, "get", "--raw", at]))["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


def _exporter(host: str) -> str:
    words = ("get", "pods", "-n", "gpu-operator", "-l", f"app={_EXPORTER}", "--field-selector", f"spec.nodeName={host}")
    [pod] = kubectl(*words)["items"]
    return str(pod["metadata"]["name"])


def report_xid(host: str, code: int) -> None:
    """The host's exporter reports an XID error from now on."""
    change = f"s/^(DCGM_FI_DEV_XID_ERRORS.*) [0-9]+$/\\1 {code}/"
    on("cp-1", [*_ADMIN, "-n", "gpu-operator", "exec", _exporter(host), "--", "sed", "-i", "-E", change, _METRICS])


def restart_exporter(host: str) -> None:
    """A new one reports no error."""
    on("cp-1", [*_ADMIN, "-n", "gpu-operator", "delete", "pod", _exporter(host), "--grace-period=1"])
