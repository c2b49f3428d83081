"""Which steps each host gets: the site's config given to the rooms. Pure but for files of the operator's machine."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

import versions
from components.engine import ports as engine_ports
from components.engine import steps as engine_steps
from components.engine.config import Containerd, Docker
from components.engine.registry import registry, registry_checks
from components.engine.verify import at_rest
from components.engine.verify import checks as engine_checks
from components.gpu import steps as gpu_steps
from components.host import kernel_steps, net_steps
from components.host import steps as host_steps
from components.host.config import Host
from components.host.openings import Opening, site_networks
from components.host.steps import Around
from components.hostrun.step import Step
from components.kubernetes import ports as kubernetes_ports
from components.kubernetes import steps as kubernetes_steps
from components.network import ports as network_ports
from components.network import steps as network_steps
from stacks import platforms, sources
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
    """Checks only: each room's own, of the layers that the host will have."""
    steps = [*host_steps.preflight(host, _around(site, host)), *gpu_steps.checks(host)]
    if config := site.engine_on(host):
        steps += engine_checks(config)
    if site.registry and site.registry.host == host.name:
        steps += registry_checks(site.registry)
    return [*steps, *platforms.checks(site, host)]


def base(site: Site, host: Host) -> list[Step]:
    """The machine itself."""
    return host_steps.base(host, _around(site, host))


def gpu(host: Host) -> list[Step]:
    """The GPUs' driver and what belongs to it, and a reboot where one is due; nothing where others care for it."""
    steps = gpu_steps.driver(host)
    return [*steps, *kernel_steps.reboot(host)] if steps else []


def engine(site: Site, host: Host) -> list[Step]:
    """What the last reboot had to bring, read back; then the container engine, and what runs on it."""
    steps = [*kernel_steps.after_reboot(host, cgroup_v2=_needs_cgroup_v2(site)), *gpu_steps.ready(host)]
    if site.registry and site.registry.host == host.name:
        certificate = site.registry.certificate
        text = certificate.read_text() if certificate else None
        steps += registry(site.registry, host, domain=site.domain, certificate=text)
    config = site.engine_on(host)
    return [*steps, *_containers(site, host, config)] if config else steps


def _containers(site: Site, host: Host, config: Containerd | Docker) -> list[Step]:
    if isinstance(config, Docker):
        # Accounts of other hosts only; who is an account of none is on the hosts already (checks_engine.notes).
        elsewhere = {name for other in site.active for name in other.accounts} - {*host.accounts, host.ssh.user}
        config = config.model_copy(update={"users": tuple(user for user in config.users if user not in elsewhere)})
    gpus = gpu_steps.docker_settings if isinstance(config, Docker) else gpu_steps.containerd_settings
    authorities = {name: path.read_text() for name, path in config.registry_certificates.items()}
    sandbox = _sandbox_image(site)
    return [
        # The toolkit's package reloads systemd as it is installed.
        *at_rest(gpu_steps.toolkit_packages(host), label="gpu-toolkit"),
        *gpu_steps.toolkit(host),
        *engine_steps.engine(config, sandbox_image=sandbox, extra=gpus(host.gpu), authorities=authorities),
        *gpu_steps.smoke(host, config),
    ]


def node(site: Site, host: Host) -> list[Step]:
    """Kubernetes on the host, and the host in the cluster."""
    config = site.container_engine
    assert site.kubernetes is not None and isinstance(config, Containerd)  # noqa: S101 - checks.py has seen to it
    steps = kubernetes_steps.node(
        host,
        site.control_planes,
        cluster=site.name,
        kubernetes=site.kubernetes,
        network=site.network,
        engine=config,
        pod_network=network_steps.pod_network(host, site.network),
    )
    first = kubernetes_steps.begins(host, site.control_planes)
    return [*steps, *network_steps.cluster(site.network)] if first else steps


def _around(site: Site, host: Host) -> Around:
    in_cluster = site.kubernetes is not None
    peers = [(peer.name, str(peer.address)) for peer in site.active]
    subnets = (site.network.pod_subnet, site.network.service_subnet) if in_cluster else ()
    repositories = sources.repositories(site, host)
    return Around(
        peers=peers,
        domain=site.domain,
        repositories=repositories,
        keys=sources.keys(repositories),
        mirrors=_mirrors(site, host),
        no_proxy=net_steps.no_proxy(
            peers,
            domain=site.domain,
            subnets=subnets,
            cluster_domain="cluster.local" if in_cluster else None,
            more=host.proxy.no_proxy if host.proxy else (),
        ),
        services=_services(site, host),
        openings=_openings(site, host),
        networks=site_networks((peer.address for peer in site.active), _pods(site)),
        ports=_ports(site, host),
        kubernetes=in_cluster,
        cgroup_v2=_needs_cgroup_v2(site),
        modules=_MODULES if in_cluster else (),
        sysctl=_SYSCTL if in_cluster else {},
        before_reboot=gpu_steps.before_reboot(host),
    )


def _pods(site: Site) -> tuple[IPv4Network, ...]:
    return (site.network.pod_subnet,) if site.kubernetes else ()


def _needs_cgroup_v2(site: Site) -> bool:
    """The kubelet refuses cgroup v1 from 1.35 on, unless it is told not to."""
    if site.kubernetes is None:
        return False
    minor = int(site.kubernetes.version.split(".")[1])
    return minor >= 35 and site.kubernetes.kubelet.get("failCgroupV1") is not False


def _ports(site: Site, host: Host) -> tuple[int, ...]:
    if site.kubernetes is None:
        return ()
    return (*_NODE_PORTS, *(_CONTROL_PLANE_PORTS if "control-plane" in host.roles else ()))


def _openings(site: Site, host: Host) -> tuple[Opening, ...]:
    found: tuple[Opening, ...] = ()
    if site.kubernetes:
        found = (*kubernetes_ports.openings(host, site.control_planes), *network_ports.openings(site.network))
    if site.registry and site.registry.host == host.name:
        found = (*found, *engine_ports.of_registry(site.registry))
    return (*found, *platforms.openings(site, host))


def _services(site: Site, host: Host) -> tuple[str, ...]:
    engines: Mapping[str, tuple[str, ...]] = {"containerd": ("containerd",), "docker": ("docker", "containerd")}
    config = site.engine_on(host)
    units = engines[config.kind] if config else ()
    return (*units, "kubelet") if site.kubernetes else units


def _mirrors(site: Site, host: Host) -> tuple[str, ...]:
    config = site.engine_on(host)
    return tuple(sorted({url for urls in config.mirrors.values() for url in urls})) if config else ()


def _sandbox_image(site: Site) -> str:
    if site.kubernetes is None:
        return versions.PAUSE_IMAGE
    return f"{site.kubernetes.image_repository}/{Path(versions.PAUSE_IMAGE).name}"
