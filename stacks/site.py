"""The whole site, in the order it comes up."""

from collections.abc import Mapping, Sequence
from functools import partial

import pulumi

from components.engine.component import Engines
from components.gpu.component import Gpus
from components.host.component import Hosts, Plan
from components.host.config import Host
from components.host.targets import targets
from components.hostrun.step import Step
from components.platforms.component import OnHosts
from components.platforms.registry import platform_of
from stacks import plan
from stacks.config import Site
from stacks.secrets import Secrets


def build(site: Site, secrets: Secrets) -> Mapping[str, pulumi.Input[object]]:
    """Builds the site; returns the stack's outputs. Everything is decided by `site` alone, so preview needs no host."""
    reached = targets(site.hosts, secrets.reveal)
    drivers = {name: plan.gpu(host) for name, host in site.hosts.items()}
    on_them = {name: plan.engine(site, host) for name, host in site.hosts.items()}
    waves = [platform_of(config).waves(config, site.hosts) for config in site.platforms]
    rooms = [("gpu", drivers), ("engine", on_them), *((w.layer, w.steps) for each in waves for w in each)]
    hosts = Hosts(
        "hosts",
        site.hosts,
        Plan(partial(plan.preflight, site), partial(plan.base, site), partial(_layers, site, rooms)),
        targets=reached,
        secret=secrets.output,
    )
    gpus = Gpus("gpus", drivers, hosts=hosts.refs) if any(drivers.values()) else hosts
    first = site.registry.host if site.registry else None
    engines = Engines("engines", on_them, hosts=gpus.refs, registry=first) if any(on_them.values()) else gpus
    for config, each in zip(site.platforms, waves, strict=True):
        OnHosts(config.name, config.kind.title(), each, hosts=engines.refs, targets=reached)
    outputs: dict[str, pulumi.Input[object]] = {"hosts": [host.name for host in site.active]}
    if site.kubernetes is None:
        return outputs
    from stacks import cluster  # noqa: PLC0415 - pulumi_kubernetes is a third of the program's start

    return outputs | cluster.build(site, engines.refs, reached)


def _layers(site: Site, rooms: Sequence[tuple[str, Mapping[str, Sequence[Step]]]], host: Host) -> list[str]:
    own = [layer for layer, steps in rooms if steps.get(host.name)]
    return ["base", *own, *(["node"] if site.kubernetes else [])]
