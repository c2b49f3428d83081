"""Docker on a host, as data: config in, steps out. Nothing here touches a host."""

import json
from collections.abc import Mapping
from pathlib import Path

from components.engine.config import Docker
from components.engine.pulls import certificates, logins
from components.engine.verify import at_rest, verification
from components.host.packages import packages
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"

_FOLDERS = ("/var/lib/containerd", "/run/containerd", "/opt/containerd", "/run/docker")
"""Folders that Docker's containerd fills. Docker's own folder is left to the step docker_traces: it has the volumes."""


def docker(
    config: Docker, *, extra: Mapping[str, object] | None = None, authorities: Mapping[str, str] | None = None
) -> list[Step]:
    """Docker: its settings before its first start, the package held, the service, who may use it, and a container run.

    `extra` are settings of daemon.json that other rooms ask for (runtimes, default-runtime, features);
    `authorities` the text of each of `registry_certificates` (the caller reads them).
    """
    users = ("root", *config.users)
    steps = [
        packages(["jq"], label="jq"),
        Step(_SCRIPTS / "docker_traces.sh", {"data_root": config.data_root or "/var/lib/docker"}),
        Step(_SCRIPTS / "docker_config.sh", {k: _json(v) for k, v in sorted(settings(config, extra or {}).items())}),
        *certificates("/etc/docker/certs.d", authorities or {}),
        *at_rest(_packages(config), engine="docker"),
        packages(
            _packages(config), label="docker", hold=True, folders=_FOLDERS, replace=("engine.replace", config.replace)
        ),
        Step(_SCRIPTS / "docker.sh"),
    ]
    if config.users:
        steps.append(Step(_SCRIPTS / "docker_users.sh", {"users": " ".join(config.users)}))
    if config.logins:
        steps.append(logins(config.logins, users=users))
    return [*steps, *verification(config, user=users[1] if config.users else "root")]


def settings(config: Docker, extra: Mapping[str, object]) -> dict[str, object]:
    """The site's settings of daemon.json; all other settings are left to Docker and to others."""
    chosen: dict[str, object] = {
        "exec-opts": [f"native.cgroupdriver={config.cgroup_driver}"],
        "log-driver": "json-file",
        "log-opts": {"max-size": config.log_max_size, "max-file": str(config.log_max_files)},
        "live-restore": config.live_restore,
    }
    optional: dict[str, object] = {
        "data-root": config.data_root,
        "bip": config.subnet,
        "registry-mirrors": list(config.mirrors.get("docker.io", ())),
        "insecure-registries": list(config.insecure_registries),
    }
    return {**chosen, **{key: value for key, value in optional.items() if value}, **extra}


def _packages(config: Docker) -> list[str]:
    pin = f"={config.version}" if config.version else ""
    if config.package == "docker.io":
        return [f"docker.io{pin}", "@docker-cli"]
    return [f"docker-ce{pin}", f"docker-ce-cli{pin}", "containerd.io"]


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
