"""The whole site, in the order it comes up."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pulumi

from components.engine.component import Engines
from components.gpu.component import Gpus
from components.host.component import Hosts
from components.host.targets import targets
from components.kubernetes import steps as kubernetes
from components.kubernetes.component import Cluster
from components.network.component import PodNetwork
from components.network.config import Flannel
from components.platforms.component import OnHosts
from components.platforms.registry import platform_of
from components.tenancy.component import Tenancy
from stacks import plan, platforms
from stacks.config import Site
from stacks.secrets import Secrets


def build(site: Site, secrets: Secrets, *, folder: Path) -> Mapping[str, pulumi.Input[object]]:
    """Builds the site; returns the stack's outputs. Everything is decided by `site` alone, so preview needs no host."""
    reached = targets(site.hosts, secrets.reveal)
    hosts = Hosts(
        "hosts",
        site.hosts,
        targets=reached,
        preflight=partial(plan.preflight, site),
        base=partial(plan.base, site),
        secret=secrets.output,
        folder=folder,
    )
    drivers = {name: plan.gpu(host) for name, host in site.hosts.items()}
    gpus = Gpus("gpus", drivers, hosts=hosts.refs) if any(drivers.values()) else hosts
    on_them = {name: plan.engine(site, host) for name, host in site.hosts.items()}
    first = site.registry.host if site.registry else None
    engines = Engines("engines", on_them, hosts=gpus.refs, registry=first) if any(on_them.values()) else gpus
    for config in platforms.present(site):
        waves = platform_of(config).waves(config, site.hosts)
        OnHosts(config.name, config.kind.title(), waves, hosts=engines.refs, targets=reached)
    outputs: dict[str, pulumi.Input[object]] = {"hosts": [host.name for host in site.active]}
    if site.kubernetes is None:
        return outputs
    cluster = Cluster(
        site.name,
        site.hosts,
        planes=site.control_planes,
        refs=engines.refs,
        targets=reached,
        node=partial(plan.node, site),
        member=kubernetes.member,
    )
    if isinstance(site.network.pods, Flannel):
        PodNetwork("pods", site.network, site.network.pods, cluster=cluster.ref)
    Tenancy("tenants", site.tenants, cluster=cluster.ref)
    return outputs | {"endpoint": site.endpoint, "kubeconfig": cluster.ref.kubeconfig}
