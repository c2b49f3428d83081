"""Which steps each host gets from each room. Pure, except that it reads files of the operator's machine."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import versions
from components.engine import steps as engine_steps
from components.engine.config import Containerd, Docker
from components.engine.registry import registry, registry_checks
from components.engine.verify import at_rest, new_enough
from components.engine.verify import checks as engine_checks
from components.gpu import pods
from components.gpu import steps as gpu_steps
from components.host import kernel_steps, net_steps
from components.host import steps as host_steps
from components.host.config import Host
from components.host.openings import site_networks
from components.host.steps import Around
from components.hostrun.step import Step
from components.kubernetes import encryption, given, kubelet_certificates
from components.kubernetes import steps as kubernetes_steps
from components.kubernetes.endpoint import parsed
from components.kubernetes.returned import again
from components.network import steps as network_steps
from stacks import sources
from stacks.ground import offers, states
from stacks.model import Site
from stacks.needed import needed, pushed
from stacks.needed import preflight as of_parts


def preflight(site: Site, host: Host) -> list[Step]:
    """The checks, and nothing but checks, of every room and part that will have a layer on the host."""
    steps = [host_steps.owner(host, site.owner), *host_steps.preflight(host, _around(site, host))]
    steps += gpu_steps.checks(host)
    if config := site.engine_on(host):
        steps += engine_checks(config, site.devices_on(host))
    if site.kubernetes:
        steps += kubernetes_steps.preflight(host, site.control_planes, site.kubernetes)
    if site.registry and site.registry.host == host.name:
        steps += registry_checks(site.registry, pushed(site))
    return [*steps, *of_parts(site, host)]


def base(site: Site, host: Host) -> list[Step]:
    """The steps for the machine itself."""
    return host_steps.base(host, _around(site, host))


def gpu(host: Host) -> list[Step]:
    """The GPU driver with its settings, and a reboot if one is due; no steps if the site does not set a driver."""
    steps = gpu_steps.driver(host)
    return [*steps, *kernel_steps.reboot(host)] if steps else []


def engine(site: Site, host: Host) -> list[Step]:
    """Reads back what the last reboot had to bring; then the container engine, and what runs on it."""
    steps = [*kernel_steps.after_reboot(host, cgroup_v2=needed(site, host).cgroup_v2), *gpu_steps.ready(host)]
    if site.registry and site.registry.host == host.name:
        certificate = site.registry.certificate
        text = certificate.read_text() if certificate else None
        steps += registry(site.registry, host, domain=site.domain, certificate=text, pushed=pushed(site))
    config = site.engine_on(host)
    return [*steps, *_containers(site, host, config)] if config else steps


def _containers(site: Site, host: Host, config: Containerd | Docker) -> list[Step]:
    if isinstance(config, Docker):
        # Skip users with an account on other hosts only; one without any is on the hosts already (checks_engine.notes).
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
        *new_enough(config, site.devices_on(host)),
        *gpu_steps.smoke(host, config),
    ]


def node(site: Site, host: Host) -> list[Step]:
    """The steps that install Kubernetes on the host and bring the host into the cluster."""
    config = site.container_engine
    assert site.kubernetes is not None and isinstance(config, Containerd)  # noqa: S101 - checks.py refuses any other
    steps = kubernetes_steps.node(
        host,
        site.control_planes,
        cluster=site.name,
        kubernetes=site.kubernetes,
        network=site.network,
        engine=config,
        pod_network=network_steps.pod_network(host, site.network),
        files=given.files(site.kubernetes),
        leaving=site.leaving,
    )
    steps += kubernetes_steps.backups(host, site.kubernetes, states(site))
    steps += kubernetes_steps.watching(host, _watched(site))
    steps += kubernetes_steps.host_names(host, site.kubernetes, _names(site))
    if site.kubernetes.kubelet_certificates:
        steps += kubelet_certificates.steps(host, site.active)
    if kubernetes_steps.begins(host, site.control_planes):
        steps += network_steps.cluster(site.network)
    return [*steps, *kubernetes_steps.service_names(site.kubernetes, site.network)]


def cluster(site: Site, host: Host, *, returned: Mapping[str, int] = MappingProxyType({})) -> dict[str, list[Step]]:
    """The layer `node`, and those before and after it. `returned`: how often hosts have come back (returned.py)."""
    config, planes = site.kubernetes, [plane.name for plane in site.control_planes]
    of = config.encryption if config else None
    own = again(node(site, host), returned.get(host.name, 0))
    return {**encryption.before(of, host, planes), "node": own, **encryption.after(of, host, planes)}


def _watched(site: Site) -> str:
    """Lines `NODE RESOURCE COUNT`: the GPUs whose loss gives a node a taint."""
    hosts = {name for name, host in site.hosts.items() if host.gpu and host.gpu.taint_lost}
    found = [each[1:] for each in offers(site) if each[1] in hosts and each[2].startswith(pods.KINDS)]
    return "".join(f"{host} {resource} {count}\n" for host, resource, count in found)


def _names(site: Site) -> str:
    """The full names of the hosts that are there, as lines of /etc/hosts."""
    return "\n".join(f"{address} {name}.{site.domain}" for name, address in site.peers if "." not in name)


def _around(site: Site, host: Host) -> Around:
    in_cluster = site.kubernetes is not None
    subnets = (site.network.pod_subnet, site.network.service_subnet) if in_cluster else ()
    above = needed(site, host)
    repositories = sources.repositories(site, host, above.repositories)
    return Around(
        peers=site.peers,
        domain=site.domain,
        untested=site.allow_untested,
        repositories=repositories,
        keys=sources.keys(repositories),
        no_proxy=net_steps.no_proxy(
            site.peers,
            domain=site.domain,
            subnets=subnets,
            cluster_domain=site.kubernetes.cluster_domain if site.kubernetes else None,
            more=(*_endpoint(site), *(host.proxy.no_proxy if host.proxy else ())),
        ),
        networks=site_networks(site.addresses, subnets[:1]),
        kubernetes=in_cluster,
        above=above,
    )


def _endpoint(site: Site) -> tuple[str, ...]:
    """The host of the API server: no proxy is to stand between it and the kubelets."""
    if site.kubernetes is None:
        return ()
    found, moving = parsed(site.endpoint), site.kubernetes.virtual_address
    places = [*([found.host] if found else []), *([str(moving.address)] if moving else [])]
    return tuple(dict.fromkeys(places))


def _sandbox_image(site: Site) -> str:
    if site.kubernetes is None:
        return versions.PAUSE_IMAGE
    return f"{site.kubernetes.image_repository}/{Path(versions.PAUSE_IMAGE).name}"
