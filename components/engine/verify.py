"""The proof that an engine runs containers (C4), and preflight's checks for the engine."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Interface
from pathlib import Path

from components.engine.config import Containerd, Devices, Docker
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"


def verification(config: Containerd | Docker, *, user: str) -> list[Step]:
    """A container of the site's image has run with this version of the engine."""
    if not config.verify_image:
        return []
    image = config.verify_image if isinstance(config, Docker) else full_name(config.verify_image)
    return [Step(_SCRIPTS / "container_runs.sh", {"engine": config.kind, "image": image, "user": user})]


def full_name(image: str) -> str:
    """An image with its registry, which docker adds and containerd does not."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def at_rest(names: Sequence[str], *, engine: str = "", label: str = "") -> list[Step]:
    """Goes before packages that disturb an engine: lets them change only while no container is harmed.

    `engine` is "docker" for Docker's own packages, which restart it, and "containerd" for containerd's, which is under
    a node's pods, and may come in place of another package of it.
    """
    replaced = CONFLICTS if engine == "containerd" else {}
    replaces = [other for name in names for other in replaced.get(name.partition("=")[0], ())]
    if not any("=" in name for name in names) and not replaces:
        return []
    inputs = {"names": " ".join(names), "engine": engine, "replaces": " ".join(replaces)}
    return [Step(_SCRIPTS / "engine_at_rest.sh", {key: value for key, value in inputs.items() if value}, label=label)]


LEAST: Mapping[Devices, str] = {"cdi": "1.7", "nri": "1.7.30"}
"""The oldest containerd that knows each; components/gpu/compatibility.yaml has the sources."""


def checks(config: Containerd | Docker, devices: Devices | None = None) -> list[Step]:
    """For preflight: no other engine is in the way, Docker's bridge overlaps no network that the host routes, and
    containerd is new enough for how pods get devices. (Of a pinned version, compatibility.yaml says so already.)"""
    units = ("docker", "containerd") if isinstance(config, Docker) else ("containerd",)
    others = {
        "conflicts": " ".join(CONFLICTS[config.package]),
        "replace": " ".join(config.replace),
        "units": " ".join(units),
        "programs": " ".join(path for unit in units for path in _PROGRAMS[unit]),
    }
    steps = [Step(_SCRIPTS / "engine_others.sh", others)]
    if isinstance(config, Docker):
        subnet = str(IPv4Interface(config.subnet).network) if config.subnet else "172.17.0.0/16"
        steps.append(Step(_SCRIPTS / "docker_subnet.sh", {"subnet": subnet}))
    return [*steps, *new_enough(config, devices)]


def new_enough(config: Containerd | Docker, devices: Devices | None) -> list[Step]:
    """containerd knows how pods get devices. Asked by preflight, and again once it is installed: a host without package
    lists does not know before which version it gets."""
    if not devices or isinstance(config, Docker) or config.version:
        return []
    inputs = {"package": config.package, "least": LEAST[devices], "way": devices}
    return [Step(_SCRIPTS / "containerd_devices.sh", inputs)]


_PROGRAMS = {
    "docker": ("/usr/local/bin/dockerd", "/usr/local/sbin/dockerd", "/snap/bin/docker"),
    "containerd": ("/usr/local/bin/containerd", "/usr/local/sbin/containerd"),
}
"""Where engines are that no package of the system brought: release archives and snaps."""

_OLD = ("docker", "docker-client", "docker-common", "docker-engine", "docker-latest", "moby-engine", "podman-docker")
_OF_DOCKER_COM = ("docker-ce", "docker-ce-cli", "containerd.io")

CONFLICTS: Mapping[str, tuple[str, ...]] = {
    "docker-ce": (*_OLD, "containerd", "docker-cli", "docker.io", "moby-containerd", "runc"),
    "containerd.io": ("containerd", "moby-containerd", "runc"),
    "docker.io": (*_OLD, *_OF_DOCKER_COM, "moby-containerd"),
    "containerd": ("containerd.io", "moby-containerd"),
}
"""Packages that cannot be installed beside each package of an engine: the `Conflicts` of these packages, and
https://docs.docker.com/engine/install/debian/#uninstall-old-versions (the page for RHEL has more names)."""
