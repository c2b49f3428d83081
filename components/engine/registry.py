"""A private registry on one host, as data: config in, steps out. Nothing here touches a host."""

from collections.abc import Mapping
from pathlib import Path

from components.engine.config import Registry
from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"
_CACHE = "/var/lib/containers/cache"
"""Skopeo's cache; the rest of the folder above it may be podman's."""
_NOTHING: Mapping[str, int] = {}


def registry(
    config: Registry,
    host: Host,
    *,
    domain: str | None = None,
    certificate: str | None = None,
    pushed: Mapping[str, int] = _NOTHING,
) -> list[Step]:
    """The registry: its package without the package's own service, certificate, user, service, images.

    `certificate` is the text of `config.certificate` (the caller reads it); without one the host makes its own.
    `pushed` are vendors' archives whose images other hosts push here: SHA-256 → GB that must be free before.
    """
    names = [host.name, *([f"{host.name}.{domain}"] if domain else []), str(host.address)]
    own = {"names": " ".join(names), "port": str(config.port)}
    if certificate is None:
        trust = Step(_SCRIPTS / "registry_certificate.sh", {**own, "certificate_from": "host"})
    else:
        secrets = {"key": config.key_secret} if config.key_secret else {}
        inputs = {**own, "certificate_from": "site"}
        trust = Step(_SCRIPTS / "registry_certificate.sh", inputs, {"certificate": certificate}, secrets)
    images = {name: f"{image.archive} {image.sha256}" for name, image in sorted(config.images.items())}
    steps = [
        Step(_SCRIPTS / "registry_of_package.sh"),
        packages(["@registry", "@htpasswd", "skopeo"], label="registry", folders=[_CACHE]),
        trust,
        Step(_SCRIPTS / "registry_user.sh", {"user": config.user}, secrets={"password": config.password_secret}),
        Step(_SCRIPTS / "registry.sh", {"port": str(config.port), "folder": config.folder}),
    ]
    if pushed:
        steps.append(_room(config, pushed, note="yes"))
    return [*steps, Step(_SCRIPTS / "registry_images.sh", images)] if images else steps


def registry_checks(config: Registry, pushed: Mapping[str, int] = _NOTHING) -> list[Step]:
    """For preflight of the registry's host: the port is free, the archives are there, and there is room."""
    archives = "\n".join(image.archive for _, image in sorted(config.images.items()))
    steps = [Step(_SCRIPTS / "registry_ports.sh", {"port": str(config.port)}, {"archives": archives})]
    return [*steps, _room(config, pushed)] if pushed else steps


def _room(config: Registry, pushed: Mapping[str, int], **more: str) -> Step:
    inputs = {"folder": config.folder, "free_gb": str(max(pushed.values())), "archives": " ".join(sorted(pushed))}
    return Step(_SCRIPTS / "registry_room.sh", {**inputs, **more})
