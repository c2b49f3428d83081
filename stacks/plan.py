"""Which steps each host gets: the site's config given to the rooms. Pure but for reading the keys of repositories."""

from collections.abc import Sequence
from pathlib import Path

import versions
from components.engine import steps as engine
from components.engine.config import Containerd
from components.host import steps as host_steps
from components.host.config import Host
from components.host.repositories import AptRepository
from components.hostrun.step import Step
from components.kubernetes import steps as kubernetes
from components.network import steps as network
from stacks.config import Site

_NODE_PORTS = (10250, 10256)
_CONTROL_PLANE_PORTS = (2379, 2380, 6443, 10257, 10259)
"""https://kubernetes.io/docs/reference/networking/ports-and-protocols/"""

_MODULES = ("overlay", "br_netfilter")
_SYSCTL = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    "net.ipv4.ip_forward": "1",
}
"""https://kubernetes.io/docs/setup/production-environment/container-runtimes/#network-configuration"""


def preflight(site: Site, host: Host) -> list[Step]:
    """Checks only. Ports that a member of the cluster itself listens on count as free."""
    if site.kubernetes is None:
        return host_steps.preflight(host)
    ports = (*_NODE_PORTS, *(_CONTROL_PLANE_PORTS if "control-plane" in host.roles else ()))
    # The kubelet refuses cgroup v1 from 1.35 on, unless it is told not to.
    minor = int(site.kubernetes.version.split(".")[1])
    v2 = minor >= 35 and site.kubernetes.kubelet.get("failCgroupV1") is not False
    return host_steps.preflight(host, ports=ports, cgroup_v2=v2)


def base(site: Site, host: Host) -> list[Step]:
    """The machine itself."""
    in_cluster = site.kubernetes is not None
    repositories = _repositories(site)
    return host_steps.base(
        host,
        peers=[(peer.name, str(peer.address)) for peer in site.active],
        domain=site.domain,
        repositories=repositories,
        keys={name: _key(repository.key_file) for name, repository in repositories.items() if repository.key_file},
        swap_off=in_cluster,
        modules=_MODULES if in_cluster else (),
        sysctl=_SYSCTL if in_cluster else {},
    )


def container_engine(site: Site) -> list[Step]:
    """containerd and its settings, the same on every host."""
    config = _containerd(site)
    if site.kubernetes is None:
        return engine.engine(config)
    pause = versions.PAUSE_IMAGE.rpartition("/")[2]
    return engine.engine(config, sandbox_image=f"{site.kubernetes.image_repository}/{pause}")


def node(site: Site, host: Host) -> list[Step]:
    """Kubernetes on the host, and the host in the cluster."""
    assert site.kubernetes is not None  # noqa: S101 - the caller builds no cluster without it
    planes: Sequence[Host] = site.control_planes
    steps = kubernetes.node(
        host,
        planes,
        cluster=site.name,
        kubernetes=site.kubernetes,
        network=site.network,
        engine=_containerd(site),
        pod_network=network.pod_network(host, site.network),
    )
    return [*steps, *network.cluster(site.network)] if kubernetes.begins(host, planes) else steps


def _repositories(site: Site) -> dict[str, AptRepository]:
    """The site's own, and the default ones of what it uses and does not name."""
    if site.kubernetes is None:
        return {n: r for n, r in site.repositories.items() if isinstance(r, AptRepository)}
    minor = site.kubernetes.version.rpartition(".")[0]
    default: dict[str, dict[str, object]] = {
        "kubernetes": {
            "url": versions.KUBERNETES_REPOSITORY.format(minor=minor),
            "suite": "/",
            "keyUrl": versions.KUBERNETES_KEY_URL.format(minor=minor),
            "fingerprint": versions.KUBERNETES_KEY_FINGERPRINT,
        }
    }
    if _containerd(site).package == "containerd.io":
        default["docker"] = {
            "url": versions.DOCKER_REPOSITORY,
            "suite": "{codename}",
            "components": ("stable",),
            "keyUrl": versions.DOCKER_KEY_URL,
            "fingerprint": versions.DOCKER_KEY_FINGERPRINT,
        }
    return {name: AptRepository.model_validate(values) for name, values in default.items()} | {
        n: r for n, r in site.repositories.items() if isinstance(r, AptRepository)
    }


def _containerd(site: Site) -> Containerd:
    assert isinstance(site.container_engine, Containerd)  # noqa: S101 - as yet
    return site.container_engine


def _key(path: Path) -> str:
    return path.read_text()
