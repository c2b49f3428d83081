"""MLflow's tracking server as data: names, the chart's values, and what a project's pods know of it. Pure.

Database and artifacts are on one volume, so that one pod at a time has them.

Rows: R9.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.parts import chart
from components.parts.ingress.plan import CLASS
from components.parts.part import Ground
from components.platforms.runai import places, values, versions
from components.platforms.runai.config import Runai, Tracking
from components.problem import Problem, below

NAMESPACE = RELEASE = "mlflow"
"""The namespace, the release, its Deployment and its Service."""
ADMIN = "admin"
ADMIN_SECRET, TLS, CLAIM = "mlflow-admin", "mlflow-tls", "mlflow-data"
LOGIN = "mlflow"
"""The Secret of a project: environment variables of its pods."""
INSIDE = f"http://{RELEASE}.{NAMESPACE}.svc"
"""Where pods reach it."""
_FOLDER = "/mlflow"
_DATABASE = f"{_FOLDER}/mlflow.db"

DECIDED_BY = {
    "image": "version",
    "auth": "passwordSecret",
    "ingress": "domain",
    "extraVolumes": "size",
    "affinity": "nodes.system of Run:ai",
    "tolerations": "the taints of nodes.system of Run:ai",
}
"""Value of the chart → the key that decides it."""


def server(config: Runai) -> Tracking | None:
    """Its settings, if the site wants one."""
    return config.mlflow.server if config.mlflow else None


def host(config: Runai, ground: Ground) -> str:
    """The name at which people reach it."""
    return f"{RELEASE}.{places.domain(config, ground)}"


def environment(project: str) -> dict[str, str]:
    """What a project's pods have of it, but the password: MLflow's own variables.

    The experiment is the project's: MLflow's first one belongs to the administrator.
    """
    return {
        "MLFLOW_TRACKING_URI": INSIDE,
        "MLFLOW_TRACKING_USERNAME": project,
        "MLFLOW_EXPERIMENT_NAME": project,
    }


def env_from(config: Runai, project: str) -> list[dict[str, Any]]:
    """By which a container gets the project's variables; empty if the project has no login."""
    of = server(config)
    return [{"secretRef": {"name": LOGIN}}] if of and project in of.projects else []


def settings(config: Runai, ground: Ground) -> dict[str, Any]:
    """The chart's values, but for secrets, which are in a Secret."""
    name, shared = host(config, ground), values.shared(config, ground)
    image = {"repository": versions.MLFLOW_IMAGE, "tag": versions.MLFLOW_APP}
    mounts = [{"name": "data", "mountPath": _FOLDER}]
    return {
        "image": image,
        # Two pods at once would write one database.
        "replicaCount": 1,
        "strategy": {"type": "Recreate"},
        "podSecurityContext": {"fsGroup": 1001, "seccompProfile": {"type": "RuntimeDefault"}},
        "backendStore": {"defaultSqlitePath": _DATABASE},
        "artifactRoot": {
            "proxiedArtifactStorage": True,
            "defaultArtifactsDestination": f"{_FOLDER}/artifacts",
        },
        "auth": {
            "enabled": True,
            "existingAdminSecret": {"name": ADMIN_SECRET},
            # What a user made is seen by this user alone.
            "defaultPermission": "NO_PERMISSIONS",
            "sqliteFile": f"{_FOLDER}/users.db",
        },
        "extraVolumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
        "extraVolumeMounts": mounts,
        "initContainers": [_upgrade(f"{image['repository']}:{image['tag']}", mounts)],
        "ingress": {
            "enabled": True,
            "className": CLASS,
            "hosts": [{"host": name, "paths": [{"path": "/", "pathType": "Prefix"}]}],
            "tls": [{"hosts": [name], "secretName": TLS}],
        },
        # Else it refuses pods, which ask for it by its Service's name.
        "serverAllowedHosts": [name, f"{RELEASE}.{NAMESPACE}", f"{RELEASE}.{NAMESPACE}.svc"],
        "corsAllowedOrigins": [f"https://{name}"],
        **{key: shared[key] for key in ("affinity", "tolerations") if key in shared},
    }


def _upgrade(image: str, mounts: list[dict[str, str]]) -> dict[str, Any]:
    """Before the server, which does not start with the database of an earlier release: brings it up to its own."""
    return {
        "name": "upgrade",
        "image": image,
        "command": ["mlflow", "db", "upgrade", f"sqlite:///{_DATABASE}"],
        "volumeMounts": [*mounts, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 1001,
            "runAsGroup": 1001,
        },
    }


def projects(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Each login is that of a project."""
    of = server(config)
    for name in of.projects if of else ():
        if name not in ground.projects:
            text = f"{name} is not one of projects of the site. Write it there, or not here."
            yield Problem(("mlflow", "server", "projects", name), text)
        elif name == ADMIN:
            text = "is the name of its administrator. Call the project otherwise, or give it no login."
            yield Problem(("mlflow", "server", "projects", name), text)


def open_values(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Open values are none that typed keys decide."""
    if of := server(config):
        yield from below(("mlflow", "server"), chart.decided(of.values, settings(config, ground), DECIDED_BY))


CHECKS: tuple[Callable[[Runai, Ground], Iterator[Problem]], ...] = (projects, open_values)


def passwords(config: Runai) -> Mapping[str, str]:
    """The name of each secret, by the user whose password it holds."""
    of = server(config)
    return {ADMIN: of.password_secret, **of.projects} if of else {}
