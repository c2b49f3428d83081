"""Names of what the charts make, and their values. Pure.

Rows: N3.
"""

from typing import Any

from components.model import amount
from components.parts.chart import merged, mirrored
from components.parts.logs.config import Logs
from components.parts.part import Probe

STORE, AGENTS = "logs", "logs-collector"
"""Namespaces: the agents read files of their nodes, which no pod beside the store may."""
STORE_RELEASE, AGENTS_RELEASE = "vls", "collector"
"""As the charts' documents call them."""
SERVER = f"{STORE_RELEASE}-victoria-logs-single-server"
"""The StatefulSet and the Service."""
PORT = 9428
USER = "logs"
PASSWORD = "gpu-metal-logs"  # noqa: S105 - the name of one
"""The Secret with the password, in both namespaces, and the volume with it."""
FOLDER = "/etc/gpu-metal-logs"

OPEN_METRICS = "gpu-metal"
"""The key in the address of an agent's measurements. It is no secret: it leaves them readable without the password,
through the API server, too, which hands no password on."""

_FILLED = 0.9
"""How much of its volume the store fills: merges need room."""
_LOGIN = {"httpAuth.username": USER, "httpAuth.password": f"file://{FOLDER}/password"}
_VOLUMES: dict[str, Any] = {
    "extraVolumes": [{"name": PASSWORD, "secret": {"secretName": PASSWORD}}],
    "extraVolumeMounts": [{"name": PASSWORD, "mountPath": FOLDER, "readOnly": True}],
}

STORE_DECIDED_BY = {
    "server.retentionPeriod": "logs.retention",
    "server.retentionDiskSpaceUsage": "logs.storage.size",
    "server.persistentVolume": "logs.storage",
    "server.extraArgs.httpAuth": "logs.passwordSecret",
    "server.image": "logs.images",
}
AGENTS_DECIDED_BY = {
    "collector.excludeFilter": "logs.exclude",
    "extraArgs.httpAuth": "logs.passwordSecret",
    "image": "logs.images",
}
"""Value of the chart → the key of the site that decides it."""


def store(config: Logs) -> dict[str, Any]:
    """The store's values that the typed keys decide."""
    server: dict[str, Any] = {
        "retentionPeriod": config.retention,
        "extraArgs": _LOGIN,
        "podSecurityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        **_VOLUMES,
        "persistentVolume": {"enabled": config.storage is not None},
    }
    if config.storage:
        server["persistentVolume"]["size"] = config.storage.size
        server["retentionDiskSpaceUsage"] = f"{max(1, int(amount(config.storage.size) * _FILLED / 1024**3))}GiB"
        if config.storage.storage_class:
            server["persistentVolume"]["storageClassName"] = config.storage.storage_class
    return merged({"server": server}, _mirrored("server.image.repository", "victoria-logs", config))


def agents(config: Logs) -> dict[str, Any]:
    """The collector's."""
    found: dict[str, Any] = {
        "remoteWrite": [
            {
                "url": f"http://{SERVER}.{STORE}.svc:{PORT}",
                "basicAuth.username": USER,
                "basicAuth.passwordFile": f"{FOLDER}/password",
            }
        ],
        # An agent takes lines over HTTP on port 9429, too: without a password any pod could send forged ones.
        # https://docs.victoriametrics.com/victorialogs/vlagent/
        "extraArgs": {**_LOGIN, "metricsAuthKey": OPEN_METRICS},
        # Control planes and nodes with GPUs have logs, too.
        "tolerations": [{"operator": "Exists"}],
        **_VOLUMES,
        **_mirrored("image.repository", "vlagent", config),
    }
    if config.exclude:
        found["collector"] = {"excludeFilter": f"kubernetes.pod_namespace:in({','.join(config.exclude)})"}
    return found


def _mirrored(key: str, image: str, config: Logs) -> dict[str, Any]:
    return mirrored({key: f"docker.io/victoriametrics/{image}"}, config.images) if config.images else {}


def store_values(config: Logs) -> dict[str, Any]:
    """All values of the store, of which ours win."""
    return merged(config.store.values, store(config))


def agents_values(config: Logs) -> dict[str, Any]:
    """All values of the collector, of which ours win."""
    return merged(config.collector.values, agents(config))


def probes(_: Logs) -> list[Probe]:
    """What the charts must have brought."""
    return [
        Probe("statefulset", SERVER, STORE),
        Probe("daemonset", f"{AGENTS_RELEASE}-victoria-logs-collector", AGENTS),
    ]
