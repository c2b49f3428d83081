"""What must hold of the Network Operator in its site. Pure; each problem names the key, from the entry on, and fix."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from itertools import chain

from components.gpu import pods
from components.parts import chart
from components.parts.device_plugin.config import DevicePlugin
from components.parts.gpu_operator import nodes as gpu_nodes
from components.parts.gpu_operator.config import GpuOperator
from components.parts.network_operator import nodes, objects
from components.parts.network_operator.config import Ipoib, Macvlan, NetworkOperator, OfPool, Shared
from components.parts.network_operator.values import DECIDED_BY, ours
from components.parts.network_operator.versions import DRIVER_SYSTEMS, GPU_OPERATOR
from components.parts.part import Ground
from components.problem import Problem
from components.shown import quoted

_OWN = "Write addresses of the cards' own network."


def hosts(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """Each name is one of hosts that are nodes of the cluster."""
    serving = nodes.serving(config, ground.hosts)
    for word in config.hosts:
        found = pods.named([word], ground.hosts)
        if not found:
            text = f"{word} is neither a host nor a group with hosts. Write those that have the cards."
            yield Problem(("hosts",), text)
        elif not any(name in serving for name in found):
            yield Problem(("hosts",), f"{word} is no node of the cluster. Give it roles, or take it out.")


def pools(config: NetworkOperator, _: Ground) -> Iterator[Problem]:
    """A card is in one pool: two device plugins would give it away twice."""
    owner: dict[str, str] = {}
    for name, pool in config.pools.items():
        for interface in pool.interfaces:
            other = owner.setdefault(interface, name)
            if other != name:
                text = f"{interface} is in pool {other} already, and pods would get it from both. Take it out of one."
                yield Problem(("pools", name, "interfaces"), text)


def networks(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """Each network has cards of its kind, and a namespace that is there."""
    for name, network in config.networks.items():
        key = ("networks", name)
        if network.namespace != "default" and network.namespace not in ground.projects:
            text = f"{network.namespace} is neither default nor a project. Write one of them."
            yield Problem((*key, "namespace"), text)
        if isinstance(network, OfPool):
            yield from (Problem((*key, "pool"), text) for text in _wrong_pool(config, network))
        else:
            yield from (Problem((*key, "interface"), text) for text in _wrong_card(config, network))


def _wrong_pool(config: NetworkOperator, network: OfPool) -> Iterator[str]:
    pool = config.pools.get(network.pool)
    if pool is None:
        yield f"{quoted(network.pool)} is not one of pools: {', '.join(config.pools)}. Write one of them."
    elif isinstance(pool, Shared):
        yield f"{network.pool} is shared: its cards stay with the host. Write kind: macvlan or ipoib, with interface."


def _wrong_card(config: NetworkOperator, network: Macvlan | Ipoib) -> Iterator[str]:
    for name, pool in config.pools.items():
        if network.interface in pool.interfaces and not isinstance(pool, Shared):
            yield f"{network.interface} is in pool {name} of kind {pool.kind}. Write kind: pool, with pool: {name}."
            return


def subnets(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """Addresses of a network are nobody else's, and enough for all hosts."""
    count = len(nodes.serving(config, ground.hosts))
    known = {"network.podSubnet": ground.network.pod_subnet, "network.serviceSubnet": ground.network.service_subnet}
    for name, network in config.networks.items():
        key = ("networks", name, "subnet")
        for whose, other in known.items():
            if other.overlaps(network.subnet):
                yield Problem(key, f"{network.subnet} overlaps {whose}, {other}. {_OWN}")
        known[f"that of {name}"] = network.subnet
        taken = [host.name for host in ground.hosts.values() if host.state != "gone" and host.address in network.subnet]
        if taken:
            yield Problem(key, f"has the address of {taken[0]}, which a pod could get too. {_OWN}")
        if network.gateway and network.gateway not in network.subnet:
            yield Problem(("networks", name, "gateway"), f"{network.gateway} is not in {network.subnet}. Correct one.")
        yield from _enough(name, network.subnet, network.per_node, count)


def _enough(name: str, subnet: IPv4Network, per_node: int, count: int) -> Iterator[Problem]:
    free = max(subnet.num_addresses - 2, 0)
    if count and per_node * count > free:
        text = f"{per_node} addresses for each of {count} hosts, and {subnet} has {free}. Write {free // count} at most"
        yield Problem(("networks", name, "perNode"), f"{text}, or a larger subnet.")


def driver(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """NVIDIA has the driver in a container for each host's system."""
    for name, host in nodes.serving(config, ground.hosts).items() if config.driver else ():
        if host.os is None:
            text = f"needs the os of {name}: NVIDIA has it in containers for some systems only. Write os there."
            yield Problem(("driver",), text)
        elif host.os not in DRIVER_SYSTEMS:
            known = ", ".join(sorted(DRIVER_SYSTEMS))
            text = f"NVIDIA has no container of it for {host.os} of {name}, but for {known}."
            fix = "Take it away: the kernel has a driver, and you may install DOCA-OFED on the hosts."
            yield Problem(("driver",), f"{text} {fix}")


def one_discovery(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """A cluster has one Node Feature Discovery."""
    gpus, plugin = ground.config(GpuOperator), ground.config(DevicePlugin)
    if gpus and gpus.nfd and config.nfd:
        yield Problem(("nfd",), "gpuOperator brings it too. Write false here, or nfd: false there.")
    if gpus and not gpus.nfd and config.nfd is None:
        text = "is missing: gpuOperator.nfd is false. Write true if this is to bring it, false if the cluster has it."
        yield Problem(("nfd",), text)
    own = plugin.values.get("nfd") if plugin else None
    if plugin and plugin.gpu_feature_discovery and not (isinstance(own, dict) and own.get("enabled") is False):
        text = "brings a Node Feature Discovery that does not see network cards. Leave it to that of networkOperator:"
        yield Problem(
            ("devicePlugin", "gpuFeatureDiscovery"), f"{text} values: {{nfd: {{enabled: false}}}}.", elsewhere=True
        )


def gpu_operator(_: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """The GPU Operator beside it is new enough."""
    gpus = ground.config(GpuOperator)
    if gpus and tuple(map(int, gpus.version.removeprefix("v").split(".")[:2])) < GPU_OPERATOR:
        least = "v" + ".".join(map(str, GPU_OPERATOR))
        text = f"is {gpus.version}, and NVIDIA supports {least} and later beside the Network Operator. Write one."
        yield Problem(("gpuOperator", "version"), text, elsewhere=True)


def gpu_direct(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """GPU and network driver fit the way by which they meet."""
    if config.gpu_direct == "off":
        return
    both = [host for name, host in pods.with_gpus(ground.hosts).items() if name in nodes.serving(config, ground.hosts)]
    if not both:
        yield Problem(("gpuDirect",), "no host has GPUs and is in hosts. Write off, or add such hosts to hosts.")
    gpus = ground.config(GpuOperator)
    by_operator = gpu_nodes.with_driver(gpus, ground.hosts) if gpus else []
    for host in both:
        if host.gpu is None or host.name in by_operator:
            continue
        if config.gpu_direct == "peermem":
            text = f"nvidia-peermem comes with the GPU Operator's driver, and {host.name} has another."
            yield Problem(("gpuDirect",), f"{text} Write dmabuf, or gpu.driver: operator there.")
        elif host.gpu.installed and host.gpu.installed.module == "proprietary":
            text = f"DMA-BUF needs the open kernel module, and {host.name} has module: proprietary. Write open there."
            yield Problem(("gpuDirect",), text)
    if gpus and by_operator:
        yield from _rdma(config, gpus)


def _rdma(config: NetworkOperator, gpus: GpuOperator) -> Iterator[Problem]:
    """The GPU Operator's values for its driver fit the network driver and the way of gpuDirect.

    Source: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-rdma.html
    """
    if config.gpu_direct == "dmabuf" and gpus.driver and gpus.driver.module == "proprietary":
        text = "DMA-BUF needs the open kernel module, and gpuOperator.driver.module is proprietary. Write open there."
        yield Problem(("gpuDirect",), text)
    said = gpus.values.get("driver")
    rdma = said.get("rdma") if isinstance(said, dict) else None
    seen = {key: rdma.get(key, False) if isinstance(rdma, dict) else False for key in ("enabled", "useHostMofed")}
    wanted = {"enabled": config.gpu_direct == "peermem", "useHostMofed": config.driver is None}
    if seen != wanted:
        why = "a container" if config.driver else "the hosts"
        shown = ", ".join(f"{key}: {str(value).lower()}" for key, value in wanted.items())
        text = f"has driver.rdma other than {config.gpu_direct} with the network driver of {why} needs."
        fix = f"Write driver: {{rdma: {{{shown}}}}} there."
        yield Problem(("gpuOperator", "values"), f"{text} {fix}", elsewhere=True)


def open_values(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    yield from chart.decided(config.values, ours(config, ground), DECIDED_BY)
    for problem in chart.decided(config.policy, objects.ours(config, ground.hosts)):
        yield Problem(("policy", *problem.key[1:]), problem.text)


CHECKS: tuple[Callable[[NetworkOperator, Ground], Iterator[Problem]], ...] = (
    hosts,
    pools,
    networks,
    subnets,
    driver,
    one_discovery,
    gpu_operator,
    gpu_direct,
    open_values,
)


def checks(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)
