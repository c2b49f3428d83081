"""The hosts with network cards, what they need for them, and what their nodes offer to pods. Pure.

Rows: L3.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.gpu import pods
from components.host.config import Host
from components.hostrun.step import Step
from components.parts.network_operator.config import Ipoib, NetworkOperator, Shared, Sriov, Whole
from components.parts.network_operator.versions import DMABUF_KERNEL
from components.parts.part import Hosts

LABEL = "gpu-metal/fabric"
"""Label of the nodes that the operator's programs run on."""
_CARDS = Path(__file__).parent / "steps/network_cards.sh"

_NEEDED = ("mlx5_ib", "rdma_ucm", "ib_umad")
"""Without the devices of these (uverbs, rdma_cm, umad), the shared device plugin leaves a card out:
pkg/resources/rdma_device_spec.go of Mellanox/k8s-rdma-shared-dev-plugin."""
_IPOIB = "ib_ipoib"


def serving(config: NetworkOperator, hosts: Hosts) -> dict[str, Host]:
    """The nodes of the cluster with such cards."""
    found = (hosts[name] for name in pods.named(config.hosts, hosts))
    return {host.name: host for host in found if host.state != "gone" and host.roles}


def prepare(config: NetworkOperator, host: Host, _: Hosts) -> Host:
    """The host with the label, and with the kernel's modules where it has no driver in a container."""
    if not (host.roles and pods.is_named(config.hosts, host)):
        return host
    return host.model_copy(
        update={
            "labels": {LABEL: "true", **host.labels},
            "modules": (*host.modules, *(name for name in modules(config) if name not in host.modules)),
        }
    )


def modules(config: NetworkOperator) -> Sequence[str]:
    """The kernel modules that hosts load; the driver in a container brings its own."""
    if config.driver:
        return ()
    ipoib = any(isinstance(each, Ipoib) for each in config.networks.values())
    return (*_NEEDED, *((_IPOIB,) if ipoib else ()))


def preflight(config: NetworkOperator, host: Host, hosts: Hosts) -> Sequence[Step]:
    """The cards are there as the site says, before anything is changed."""
    if host.name not in serving(config, hosts):
        return ()
    of_pools = (name for pool in config.pools.values() for name in pool.interfaces)
    divided = [f"{name}={each.functions}" for each in sriov(config).values() for name in each.interfaces]
    inputs = {
        "interfaces": " ".join(dict.fromkeys(of_pools)),
        "functions": " ".join(divided),
        "shared": "yes" if any(isinstance(pool, Shared) for pool in config.pools.values()) else "",
        "container_driver": "yes" if config.driver else "",
        "kernel": DMABUF_KERNEL if config.gpu_direct == "dmabuf" and pods.has_gpus(host) else "",
    }
    return [Step(_CARDS, inputs)]


def offers(config: NetworkOperator, hosts: Hosts) -> Mapping[str, Mapping[str, int]]:
    """By host: what its node offers."""
    each = {resource(name, pool): _count(pool) for name, pool in config.pools.items()}
    return dict.fromkeys(serving(config, hosts), each)


def resource(name: str, pool: Shared | Whole | Sriov) -> str:
    """What pods ask for."""
    return f"rdma/{name}" if isinstance(pool, Shared) else f"nvidia.com/{name}"


def sriov(config: NetworkOperator) -> dict[str, Sriov]:
    """The pools of virtual functions."""
    return {name: pool for name, pool in config.pools.items() if isinstance(pool, Sriov)}


def _count(pool: Shared | Whole | Sriov) -> int:
    if isinstance(pool, Shared):
        return pool.pods
    return len(pool.interfaces) * (pool.functions if isinstance(pool, Sriov) else 1)
