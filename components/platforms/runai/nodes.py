"""The roles of nodes, as labels. Pure.

Rows: R5, R12.
"""

from collections.abc import Sequence

from components.gpu.pods import is_named, named
from components.host.config import Host
from components.parts.part import Hosts
from components.platforms.runai.config import Runai

SYSTEM = "node-role.kubernetes.io/runai-system"
GPU = "node-role.kubernetes.io/runai-gpu-worker"
CPU = "node-role.kubernetes.io/runai-cpu-worker"
POOL = "gpu-metal/runai-pool"
"""Its value is the name of the node's pool."""
DRAIN = "runai=drain:NoExecute"
"""By this the appliance's guide takes all work off a node before its maintenance."""


def system(config: Runai, hosts: Hosts) -> list[str]:
    """Names of the hosts that run Run:ai itself."""
    return _there(named(config.nodes.system, hosts), hosts)


def gpu_workers(config: Runai, hosts: Hosts) -> list[str]:
    """Names of the hosts that run workloads with GPUs."""
    if not config.nodes.all:
        return _there(named(config.nodes.gpu_worker, hosts), hosts)
    others = system(config, hosts)
    return [name for name in _there(list(hosts), hosts) if "worker" in hosts[name].roles and name not in others]


def cpu_workers(config: Runai, hosts: Hosts) -> list[str]:
    """Names of the hosts that run workloads without GPUs."""
    return _there(named(config.nodes.cpu_worker, hosts), hosts)


def _there(names: Sequence[str], hosts: Hosts) -> list[str]:
    return [name for name in names if hosts[name].state != "gone" and hosts[name].roles]


def uses(config: Runai, hosts: Hosts) -> Sequence[str]:
    """The nodes with a role or a pool."""
    chosen = {*system(config, hosts), *gpu_workers(config, hosts), *cpu_workers(config, hosts)}
    return [name for name, host in hosts.items() if name in chosen or pool_of(config, host)]


def pool_of(config: Runai, host: Host) -> str | None:
    """The name of the host's pool; None for default."""
    if host.state == "gone" or not host.roles:
        return None
    return next((name for name, pool in config.node_pools.items() if is_named(pool.hosts, host)), None)


def restricted(config: Runai) -> bool:
    """Whether workloads run on nodes with a role only."""
    return bool(config.nodes.gpu_worker or config.nodes.cpu_worker or config.nodes.all)


def prepare(config: Runai, host: Host, hosts: Hosts) -> Host:
    """The host with the labels of its roles."""
    roles = {SYSTEM: system, GPU: gpu_workers, CPU: cpu_workers}
    labels = {label: "true" for label, of in roles.items() if host.name in of(config, hosts)}
    if pool := pool_of(config, host):
        labels[POOL] = pool
    return host.model_copy(update={"labels": {**labels, **host.labels}})


def drained(config: Runai, host: Host, hosts: Hosts) -> Sequence[str]:  # noqa: ARG001
    """The guide's taint, on any node, as Run:ai's own pods and its workloads may be on each."""
    return [DRAIN]
