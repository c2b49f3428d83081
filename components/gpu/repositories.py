"""NVIDIA's own package sources for a host, which the site may replace by sources of the same name."""

from collections.abc import Mapping

import versions
from components.host.config import Host
from components.host.repositories import AptRepository, DnfRepository, Repository

DRIVER, TOOLKIT = "nvidia-driver", "nvidia-toolkit"


def repositories(host: Host) -> dict[str, Repository]:
    """By name: `nvidia-driver` if the driver comes as packages, `nvidia-toolkit` if the site has the toolkit."""
    if host.gpu is None:
        return {}
    found: dict[str, Repository] = {}
    if host.gpu.installed and host.gpu.installed.runfile is None:
        found[DRIVER] = _driver(host)
    if host.gpu.toolkit:
        found[TOOLKIT] = _toolkit(host)
    return found


def _driver(host: Host) -> Repository:
    url = versions.NVIDIA_DRIVER_REPOSITORY if host.family == "debian" else versions.NVIDIA_DRIVER_REPOSITORY_RHEL
    key, fingerprint = versions.NVIDIA_DRIVER_KEYS.get(host.os or "", versions.NVIDIA_DRIVER_KEYS[host.family])
    values = {"url": url, "keyUrl": f"{url}{key}", "fingerprint": fingerprint}
    if host.family == "debian":
        return _apt(values)
    return DnfRepository.model_validate({"kind": "dnf", **values})


def _toolkit(host: Host) -> Repository:
    signed = {"keyUrl": versions.NVIDIA_TOOLKIT_KEY_URL, "fingerprint": versions.NVIDIA_TOOLKIT_KEY_FINGERPRINT}
    if host.family == "debian":
        return _apt({"url": versions.NVIDIA_TOOLKIT_REPOSITORY, **signed})
    # Its metadata is signed, with the packages' checksums; the packages are not.
    checked = {"gpgCheckMetadata": True, "gpgCheckPackages": False}
    return DnfRepository.model_validate(
        {"kind": "dnf", "url": versions.NVIDIA_TOOLKIT_REPOSITORY_RHEL, **signed, **checked}
    )


def _apt(values: Mapping[str, object]) -> Repository:
    return AptRepository.model_validate({"suite": "/", **values})
