"""The package sources of a host: the site's own, and the official ones of what it uses and the site does not name."""

from collections.abc import Mapping

import versions
from components.engine.config import Containerd, Docker
from components.gpu import repositories as gpu
from components.host.config import Host
from components.host.repositories import AptRepository, DnfRepository, Repository
from stacks.config import Site


def repositories(site: Site, host: Host) -> dict[str, Repository]:
    """Those of the host's family, by name."""
    kind = "dnf" if host.family == "rhel" else "apt"
    official = {name: _source(kind, values) for name, values in _official(site, host).items()} | gpu.repositories(host)
    named = {name: source for name, source in site.repositories.items() if source is None or source.kind == kind}
    return {name: source for name, source in (official | named).items() if source}


def keys(sources: Mapping[str, Repository]) -> dict[str, str]:
    """The armored key of each that has a file. Raises OSError."""
    return {name: source.key_file.read_text() for name, source in sources.items() if source.key_file}


def _source(kind: str, values: Mapping[str, object]) -> Repository:
    model = DnfRepository if kind == "dnf" else AptRepository
    return model.model_validate({"kind": kind, **values})


def _official(site: Site, host: Host) -> dict[str, dict[str, object]]:
    rhel = host.family == "rhel"
    found: dict[str, dict[str, object]] = {}
    if site.kubernetes:
        found["kubernetes"] = _kubernetes(site.kubernetes.version.rpartition(".")[0], rhel=rhel)
    engine = site.engine_on(host)
    if isinstance(engine, Containerd | Docker) and engine.package in {"containerd.io", "docker-ce"}:
        found["docker"] = _docker(rhel=rhel)
    return found


def _kubernetes(minor: str, *, rhel: bool) -> dict[str, object]:
    form = "rpm" if rhel else "deb"
    url = versions.KUBERNETES_REPOSITORY.format(minor=minor, form=form)
    return {
        "url": url,
        **({} if rhel else {"suite": "/"}),
        "keyUrl": url + versions.KUBERNETES_KEY_FILES[form],
        "fingerprint": versions.KUBERNETES_KEY_FINGERPRINT,
    }


def _docker(*, rhel: bool) -> dict[str, object]:
    if rhel:
        return {
            "url": versions.DOCKER_REPOSITORY_RHEL,
            "keyUrl": versions.DOCKER_KEY_URL_RHEL,
            "fingerprint": versions.DOCKER_KEY_FINGERPRINT_RHEL,
        }
    return {
        "url": versions.DOCKER_REPOSITORY,
        "suite": "{codename}",
        "components": ("stable",),
        "keyUrl": versions.DOCKER_KEY_URL,
        "fingerprint": versions.DOCKER_KEY_FINGERPRINT,
    }
