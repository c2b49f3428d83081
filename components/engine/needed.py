"""What the engine room needs of a host below it: units behind the proxy, sources, the registry's port. Pure."""

import versions
from components.engine.config import Containerd, Docker, Registry
from components.host.config import Host
from components.host.listening import Listening
from components.host.needed import Needed
from components.host.repositories import AptRepository, DnfRepository, Repository

_OF_DOCKER = ("containerd.io", "docker-ce")
"""Packages that Docker's own source has."""


def needed(config: Containerd | Docker, host: Host) -> Needed:
    """The needs of the engine on this host."""
    return Needed(
        repositories={"docker": _repository(host)} if config.package in _OF_DOCKER else {},
        mirrors=tuple(sorted({url for urls in config.mirrors.values() for url in urls})),
        services=units(config),
        publishes=isinstance(config, Docker),
    )


def units(config: Containerd | Docker) -> tuple[str, ...]:
    """The engine's services, the outer one first."""
    return ("docker", "containerd") if isinstance(config, Docker) else ("containerd",)


def of_registry(config: Registry) -> Needed:
    """The needs of the private registry on its host; a check of its own sees whether the port is free."""
    return Needed(listening=(Listening("registry", "the registry", str(config.port), key=("registry", "port")),))


def _repository(host: Host) -> Repository:
    if host.family == "rhel":
        signed = {"keyUrl": versions.DOCKER_KEY_URL_RHEL, "fingerprint": versions.DOCKER_KEY_FINGERPRINT_RHEL}
        return DnfRepository.model_validate({"kind": "dnf", "url": versions.DOCKER_REPOSITORY_RHEL, **signed})
    place = {"url": versions.DOCKER_REPOSITORY, "suite": "{codename}", "components": ("stable",)}
    signed = {"keyUrl": versions.DOCKER_KEY_URL, "fingerprint": versions.DOCKER_KEY_FINGERPRINT}
    return AptRepository.model_validate({**place, **signed})
