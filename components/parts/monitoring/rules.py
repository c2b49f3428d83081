"""Alerts about what the site declares: GPUs, nodes, shares, certificates, etcd. Pure.

Each alert has the host's name in its label `host`, and a runbook that begins with the command to run.

Rows: M1, M2.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.gpu import pods
from components.local import certificates
from components.parts.device_plugin import values as device_plugin
from components.parts.device_plugin.config import DevicePlugin
from components.parts.gpu_operator import nodes as gpu_operator
from components.parts.gpu_operator.config import GpuOperator
from components.parts.ingress.config import Ingress
from components.parts.monitoring.config import Severity
from components.parts.part import Ground

JOBS_FAULT = (13, 31, 43, 45)
"""Codes of XID errors that a job causes, not the GPU. Source: https://docs.nvidia.com/deploy/xid-errors/"""
HOT, HOT_MEMORY = 85, 95
"""Degrees Celsius. A GPU slows itself down a little above."""
DAYS = 30
"""Before its end, a certificate is to be renewed."""
SHARES = 'fstype=~"nfs.*|ceph|lustre|gpfs|beegfs.*"'
"""File systems that other machines serve."""
QUOTA = 2 * 1024**3
"""Bytes that etcd's database may have, if nobody gave it another quota."""

_VERIFY = "./sitectl verify"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; `host` is the label with the name of the host that it is about, empty for one of the whole site."""

    name: str
    expr: str
    wait: str
    """How long the expression must hold."""
    severity: Severity
    says: str
    runbook: str
    """What to do after `sitectl verify`."""
    host: str = ""

    @property
    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        where = f"{{{{ $labels.{self.host} }}}}" if self.host else ""
        labels = {"severity": self.severity, **({"host": where} if where else {})}
        run = f"{_VERIFY} {where}".rstrip()
        notes = {"summary": self.says, "runbook": f"{run}; {self.runbook}"}
        return {"alert": self.name, "expr": self.expr, "for": self.wait, "labels": labels, "annotations": notes}


def groups(ground: Ground) -> list[dict[str, Any]]:
    """All groups of a site's alerts."""
    has_gpus = bool(pods.with_gpus(ground.hosts))
    found = {
        "gpu-metal-gpus": [*((*_xids(), *_worn()) if has_gpus else ()), *_lost(ground)],
        "gpu-metal-hosts": [*_hosts()],
        "gpu-metal-cluster": [*_cluster(), *_certificate(ground)],
    }
    return [{"name": name, "rules": [alert.rule for alert in alerts]} for name, alerts in found.items() if alerts]


_WHICH = "GPU {{ $labels.gpu }} of {{ $labels.Hostname }}"


def _xids() -> Iterator[Alert]:
    """What the DCGM exporter measures by default: etc/default-counters.csv there."""
    jobs = " or ".join(f"DCGM_FI_DEV_XID_ERRORS == {code}" for code in JOBS_FAULT)
    yield Alert(
        "GpuXid",
        f"DCGM_FI_DEV_XID_ERRORS > 0 unless ({jobs})",
        "0s",
        "critical",
        f"{_WHICH} has reported XID {{{{ $value }}}}.",
        "on the host: dmesg | grep -i xid; drain it, reset the GPU. It fires until the exporter there restarts",
        "Hostname",
    )
    yield Alert(
        "GpuXidOfJob",
        f"({jobs}) and changes(DCGM_FI_DEV_XID_ERRORS[1h]) > 0",
        "0s",
        "warning",
        f"{_WHICH} has reported XID {{{{ $value }}}}, which a job causes.",
        "on the host: dmesg | grep -i xid names the process; tell its owner",
        "Hostname",
    )


def _worn() -> Iterator[Alert]:
    """The same, of its memory and its heat."""
    yield Alert(
        "GpuMemoryBroken",
        "DCGM_FI_DEV_ROW_REMAP_FAILURE > 0",
        "0s",
        "critical",
        f"{_WHICH} has no spare rows left for its memory's ECC errors.",
        "drain it and have the GPU replaced",
        "Hostname",
    )
    yield Alert(
        "GpuEccErrors",
        "increase(DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS[1h]) > 0",
        "0s",
        "warning",
        f"{_WHICH} had an ECC error that it could not correct.",
        "drain it and reset the GPU, which then uses a spare row",
        "Hostname",
    )
    yield Alert(
        "GpuHot",
        f"DCGM_FI_DEV_GPU_TEMP > {HOT} or DCGM_FI_DEV_MEMORY_TEMP > {HOT_MEMORY}",
        "10m",
        "warning",
        f"{_WHICH} has {{{{ $value }}}} °C, and slows down.",
        "see its fans, the air in front of the host, and gpu.powerLimitWatts",
        "Hostname",
    )


def _lost(ground: Ground) -> Iterator[Alert]:
    """Nodes that have fewer GPUs for pods than their hosts declare; one alert for all hosts that are alike."""
    alike: dict[tuple[str, int], list[str]] = {}
    for host, resources in _offers(ground).items():
        for resource, count in resources.items():
            alike.setdefault((resource, count), []).append(host)
    for (resource, count), hosts in alike.items():
        nodes = f'node=~"{"|".join(host.replace(".", "[.]") for host in hosts)}"'
        # kube-state-metrics writes resources so: internal/store/utils.go, SanitizeLabelName.
        there = f'kube_node_status_allocatable{{resource="{re.sub(r"[^a-zA-Z0-9_]", "_", resource)}"'
        none = f"(kube_node_info{{{nodes}}} unless on (node) {there}}}) * 0"
        yield Alert(
            "GpuLost",
            f"{there}, {nodes}}} < {count} or on (node) {none}",
            "5m",
            "critical",
            f"{{{{ $labels.node }}}} has {{{{ $value }}}} of {count} {resource} for pods.",
            "on the host: nvidia-smi, and dmesg | grep -i -e nvrm -e xid",
            "node",
        )


def _offers(ground: Ground) -> Mapping[str, Mapping[str, int]]:
    if operator := ground.config(GpuOperator):
        return gpu_operator.offers(operator, ground.hosts)
    plugin = ground.config(DevicePlugin)
    return device_plugin.offers(plugin, ground.hosts) if plugin else {}


def _hosts() -> Iterator[Alert]:
    yield Alert(
        "NodeNotReady",
        'kube_node_status_condition{condition="Ready", status="true"} == 0',
        "5m",
        "critical",
        "{{ $labels.node }} is not Ready.",
        "on the host: journalctl -u kubelet -n 50",
        "node",
    )
    share = "{{ $labels.mountpoint }} ({{ $labels.device }}) on {{ $labels.nodename }}"
    # Measurements of hosts have the address of the exporter; its own node_uname_info knows the name.
    named = "* on (instance) group_left (nodename) node_uname_info"
    free = f"node_filesystem_avail_bytes{{{SHARES}}} / (node_filesystem_size_bytes > 0)"
    least: float
    severity: Severity
    for severity, least in (("warning", 0.1), ("critical", 0.03)):
        yield Alert(
            "ShareFull",
            f"{free} {named} < {least}",
            "10m",
            severity,
            f"{share} has {{{{ $value | humanizePercentage }}}} free.",
            "delete what nobody needs there, or enlarge the share",
            "nodename",
        )
    yield Alert(
        "ShareHangs",
        f"node_filesystem_device_error{{{SHARES}}} {named} == 1",
        "5m",
        "critical",
        f"{share} does not answer.",
        "see storage/mounts there, then whether the server of the share runs",
        "nodename",
    )


def _cluster() -> Iterator[Alert]:
    """What the API server tells of etcd: etcd's own measurements are on 127.0.0.1 of a control plane."""
    kubectl = "on a control plane: kubectl -n kube-system"
    ready = 'kube_pod_status_ready{namespace="kube-system", pod=~"etcd-.+", condition="true"}'
    yield Alert(
        "EtcdDown",
        f'label_replace({ready}, "node", "$1", "pod", "etcd-(.+)") == 0',
        "3m",
        "critical",
        "{{ $labels.pod }} is not ready.",
        f"{kubectl} logs {{{{ $labels.pod }}}}",
        "node",
    )
    slow = 'sum by (instance, le) (rate(etcd_request_duration_seconds_bucket{job="apiserver"}[5m]))'
    yield Alert(
        "EtcdSlow",
        f"histogram_quantile(0.99, {slow}) > 1",
        "15m",
        "warning",
        "etcd needs {{ $value | humanizeDuration }} for one of a hundred requests of {{ $labels.instance }}.",
        "see the disk under /var/lib/etcd: it must be fast, and etcd's own",
    )
    size = 'max by (instance) (apiserver_storage_size_bytes{job="apiserver"})'
    yield Alert(
        "EtcdFull",
        f"{size} > {int(QUOTA * 0.8)}",
        "10m",
        "critical",
        "etcd's database has {{ $value | humanize1024 }}B of the 2 GiB at which it refuses to write.",
        f"{kubectl} get events -A | wc -l; then compact and defragment etcd",
    )
    left = 'sum by (le) (rate(apiserver_client_certificate_expiration_seconds_bucket{job="apiserver"}[15m]))'
    yield Alert(
        "ClientCertificateExpires",
        f"histogram_quantile(0.01, {left}) < {7 * 86400}",
        "15m",
        "warning",
        "A program shows the API server a certificate that ends in {{ $value | humanizeDuration }}.",
        "on a control plane: kubeadm certs check-expiration",
    )


def _certificate(ground: Ground) -> Iterator[Alert]:
    """The site's own certificate, whose end its file says; one of cert-manager's renews itself."""
    ingress = ground.config(Ingress)
    if ingress is None or ingress.certificate is None:
        return
    try:
        end = min(each.not_valid_after_utc for each in certificates(ingress.certificate.read_text()))
    except (OSError, ValueError):
        return  # its own type reports a file that cannot be read
    yield Alert(
        "SiteCertificateExpires",
        f"vector({int(end.timestamp())}) - time() < {DAYS * 86400}",
        "0s",
        "warning",
        "The certificate of network.ingress ends in {{ $value | humanizeDuration }}.",
        "put a new one in the place of its file, then pulumi up",
    )
