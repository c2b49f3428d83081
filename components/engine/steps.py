"""containerd on a host, as data: config in, steps out. Nothing here touches a host."""

from pathlib import Path

import versions
from components.engine.config import Containerd
from components.host.steps import packages
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"

_FOLDERS = ("/var/lib/containerd", "/run/containerd", "/opt/containerd", "/etc/cni")


def engine(config: Containerd, *, sandbox_image: str = versions.PAUSE_IMAGE) -> list[Step]:
    """containerd: package held, settings as drop-ins, mirrors, then the service itself.

    `sandbox_image` must be the one that kubeadm uses (it follows `kubernetes.imageRepository`).
    """
    package = f"{config.package}={config.version}" if config.version else config.package
    steps = [
        packages([package], label="containerd", hold=True, folders=_FOLDERS),
        Step(
            _SCRIPTS / "containerd_config.sh",
            {
                "cgroup_driver": config.cgroup_driver,
                "restrict_oom_score_adj": "true" if config.restrict_oom_score_adj else "false",
                "sandbox_image": sandbox_image,
            },
        ),
    ]
    if config.mirrors:
        mirrors = {host: " ".join(urls) for host, urls in config.mirrors.items()}
        steps.append(Step(_SCRIPTS / "registry_mirrors.sh", mirrors))
    return [*steps, Step(_SCRIPTS / "containerd.sh")]
