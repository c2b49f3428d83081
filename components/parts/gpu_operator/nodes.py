"""The hosts that the operator serves, their labels, and what their nodes offer to pods. Pure.

Rows: O1, O5, O6.
"""

from collections.abc import Mapping, Sequence

from components.gpu import mig, pods
from components.host.config import Host
from components.parts.gpu_operator.config import GpuOperator, GpuPool
from components.parts.gpu_operator.versions import DRA_CLASSES
from components.parts.part import Hosts

MIG_CONFIG = "nvidia.com/mig.config"
_DEPLOY = "nvidia.com/gpu.deploy"


def serving(config: GpuOperator, hosts: Hosts) -> dict[str, Host]:
    """The nodes whose GPUs are for pods."""
    return {name: host for name, host in hosts.items() if _serves(config, host)}


def _serves(config: GpuOperator, host: Host) -> bool:
    return pods.has_gpus(host) and not pods.is_named(config.without_operands, host)


def with_driver(config: GpuOperator, hosts: Hosts) -> list[str]:
    """The nodes whose driver the operator installs."""
    return [name for name, host in hosts.items() if _has_driver(config, host)]


def _has_driver(config: GpuOperator, host: Host) -> bool:
    return host.gpu is not None and host.gpu.driver == "operator" and _serves(config, host)


def with_toolkit(config: GpuOperator, hosts: Hosts) -> list[str]:
    """The nodes that have the container toolkit from the host's layers."""
    return [name for name, host in serving(config, hosts).items() if host.gpu and host.gpu.toolkit]


def pool(config: GpuOperator, host: str, hosts: Hosts) -> tuple[str, GpuPool] | None:
    """The host's pool, with its name."""
    name = pods.pool_of(config.pools, host, hosts)
    return (name, config.pools[name]) if name else None


def prepare(config: GpuOperator, host: Host, hosts: Hosts) -> Host:
    """The host with the labels by which the operator knows what it is to do there."""
    return host.model_copy(update={"labels": {**_labels(config, host, hosts), **host.labels}})


def _labels(config: GpuOperator, host: Host, hosts: Hosts) -> dict[str, str]:
    if not _serves(config, host):
        return {f"{_DEPLOY}.operands": "false"}
    found: dict[str, str] = {}
    if not _has_driver(config, host) and any(_has_driver(config, each) for each in hosts.values()):
        found[f"{_DEPLOY}.driver"] = "false"
    if of := pool(config, host.name, hosts):
        name, its = of
        if its.mig:
            found[MIG_CONFIG] = name
        if its.replicas > 1:
            found[pods.CONFIG] = name
    return found


def resources(config: GpuOperator, its: GpuPool | None) -> dict[str, int]:
    """What each GPU of a pool is offered as, before it is shared: resource → how many."""
    if its is None or not its.mig:
        return {pods.RESOURCE: 1}
    if config.mig_strategy == "mixed":
        return {mig.resource(name): count for name, count in its.mig.items()}
    return {pods.RESOURCE: sum(its.mig.values())}


def offers(config: GpuOperator, hosts: Hosts) -> Mapping[str, Mapping[str, int]]:
    """By host: what its node offers. Nothing where pods claim GPUs by Dynamic Resource Allocation."""
    if config.dra:
        return {}
    found = {}
    for name, host in serving(config, hosts).items():
        its = of[1] if (of := pool(config, name, hosts)) else None
        times = (host.gpu.count if host.gpu else 0) * (its.replicas if its else 1)
        found[name] = {resource: count * times for resource, count in resources(config, its).items()}
    return found


def bounds(config: GpuOperator, hosts: Hosts) -> Sequence[str]:
    """The keys of a quota for what pods may ask for besides nvidia.com/gpu."""
    if config.dra:
        return [f"{name}.deviceclass.resource.k8s.io/devices" for name in DRA_CLASSES]
    return mig.bounds(serving(config, hosts).values()) if config.mig_strategy == "mixed" else []
