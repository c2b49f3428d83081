"""Names of what the chart makes, and its values. Pure.

Rows: M1.
"""

from typing import Any

from components.model import amount
from components.parts.chart import merged
from components.parts.monitoring.config import Monitoring, RemoteWrite, Service

NAMESPACE = "monitoring"
RELEASE = "prometheus"
"""As Run:ai's documents call it."""
WHOLE = f"{RELEASE}-kube-prometheus"
"""How names of the chart begin: the release's and the chart's, of which the chart keeps 26 characters."""
PROMETHEUS = Service(namespace=NAMESPACE, name=f"{WHOLE}-prometheus")
ALERTMANAGER = f"{WHOLE}-alertmanager"
RECEIVERS = f"alertmanager-{ALERTMANAGER}"
"""The Secret with Alertmanager's configuration, where its operator looks for it."""
ADMIN = "gpu-metal-grafana"
"""The Secret with Grafana's admin."""
REMOTE = "gpu-metal-remote-write"
"""The Secret with what remote write logs in with."""

_FILLED = 0.85
"""How much of its volume Prometheus fills: the newest measurements and its log come on top."""
_SELECTORS = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
_CONTROL_PLANE = ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")

DECIDED_BY = {
    "prometheus.prometheusSpec.retention": "retention",
    "prometheus.prometheusSpec.retentionSize": "storage.size",
    "prometheus.prometheusSpec.storageSpec": "storage",
    "prometheus.prometheusSpec.remoteWrite": "remoteWrite",
    "prometheus.prometheusSpec.externalLabels": "labels",
    "alertmanager": "alertmanager",
    "grafana": "grafana",
    "nodeExporter": "nodeExporter",
    "kubeStateMetrics": "kubeStateMetrics",
    **dict.fromkeys(_CONTROL_PLANE, "controlPlane"),
    "global.imageRegistry": "images",
}
"""Value of the chart → the key of the site that decides it."""


def asked(config: Monitoring) -> Service | None:
    """Where its Prometheus answers; None if others run it and the site does not say where."""
    return config.prometheus if config.kind == "existing" else PROMETHEUS


def values(config: Monitoring) -> dict[str, Any]:
    """All values, of which ours win."""
    return merged(config.values, ours(config))


def ours(config: Monitoring) -> dict[str, Any]:
    """The values that the typed keys decide."""
    found: dict[str, Any] = {
        # Helm never upgrades CRDs by itself.
        "crds": {"upgradeJob": {"enabled": True}},
        "prometheus": {"prometheusSpec": _prometheus(config)},
        "alertmanager": {"enabled": config.alertmanager is not None},
        "grafana": {"enabled": config.grafana is not None},
        "nodeExporter": {"enabled": config.node_exporter},
        "kubeStateMetrics": {"enabled": config.kube_state_metrics},
        **{name: {"enabled": config.control_plane} for name in _CONTROL_PLANE},
    }
    if config.alertmanager:
        found["alertmanager"]["alertmanagerSpec"] = {"useExistingSecret": True}
    if config.grafana:
        found["grafana"]["admin"] = {"existingSecret": ADMIN}
    if config.images:
        found["global"] = {"imageRegistry": config.images}
    return found


def _prometheus(config: Monitoring) -> dict[str, Any]:
    # The chart's own choice is its own release's objects only; others, such as the GPU Operator, bring theirs.
    found: dict[str, Any] = {f"{name}SelectorNilUsesHelmValues": False for name in _SELECTORS}
    found["retention"] = config.retention
    if config.storage:
        spec: dict[str, Any] = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": config.storage.size}},
        }
        if config.storage.storage_class:
            spec["storageClassName"] = config.storage.storage_class
        found["storageSpec"] = {"volumeClaimTemplate": {"spec": spec}}
        found["retentionSize"] = f"{int(amount(config.storage.size) * _FILLED / 1024**2)}MB"
    if config.remote_write:
        found["remoteWrite"] = [_remote(name, remote) for name, remote in config.remote_write.items()]
    if config.labels:
        found["externalLabels"] = dict(config.labels)
    return found


def _remote(name: str, remote: RemoteWrite) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "url": remote.url}
    if remote.password_secret:
        user, password = ({"name": REMOTE, "key": f"{name}-{what}"} for what in ("user", "password"))
        found["basicAuth"] = {"username": user, "password": password}
    if remote.token_secret:
        found["authorization"] = {"credentials": {"name": REMOTE, "key": f"{name}-token"}}
    return found
