"""The engine of a host, as data: config in, steps out. Nothing here touches a host."""

from collections.abc import Mapping
from pathlib import Path

import versions
from components.engine.config import Containerd, Docker
from components.engine.docker import docker
from components.engine.pulls import containerd_pulls
from components.engine.verify import at_rest, checks, verification
from components.host.packages import packages
from components.hostrun.step import Step

__all__ = ["checks", "docker", "engine"]

_SCRIPTS = Path(__file__).parent / "steps"

_FOLDERS = ("/var/lib/containerd", "/run/containerd", "/opt/containerd", "/etc/cni")


def engine(
    config: Containerd | Docker,
    *,
    sandbox_image: str = versions.PAUSE_IMAGE,
    extra: Mapping[str, object] | None = None,
    authorities: Mapping[str, str] | None = None,
) -> list[Step]:
    """The engine that the site asks for.

    `sandbox_image` must be the one that kubeadm uses (it follows `kubernetes.imageRepository`); `extra` is what other
    rooms ask for: settings of Docker's daemon.json, or inputs of the step containerd_config; `authorities` is the text
    of each of `registry_certificates`.
    """
    if isinstance(config, Docker):
        return docker(config, extra=extra, authorities=authorities)
    return _containerd(config, sandbox_image, extra or {}, authorities or {})


def package_of(config: Containerd) -> str:
    """The package to install: its name, with =VERSION where the site pins it."""
    return f"{config.package}={config.version}" if config.version else config.package


def _containerd(
    config: Containerd, sandbox_image: str, extra: Mapping[str, object], authorities: Mapping[str, str]
) -> list[Step]:
    """containerd: package held, settings as drop-ins, registries, then the service itself."""
    package = package_of(config)
    jq = [packages(["jq"], label="jq")] if config.logins else []
    settings = {
        "cgroup_driver": config.cgroup_driver,
        "restrict_oom_score_adj": "true" if config.restrict_oom_score_adj else "false",
        "sandbox_image": sandbox_image,
        **{key: str(value) for key, value in extra.items()},
    }
    return [
        *jq,
        *at_rest([package], engine="containerd"),
        packages(
            [package], label="containerd", hold=True, folders=_FOLDERS, replace=("engine.replace", config.replace)
        ),
        Step(_SCRIPTS / "containerd_config.sh", settings),
        *containerd_pulls(config, authorities),
        Step(_SCRIPTS / "containerd.sh"),
        *verification(config, user="root"),
    ]
