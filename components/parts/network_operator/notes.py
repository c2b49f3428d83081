"""What is allowed of the Network Operator and yet worth a line. Pure."""

from collections.abc import Iterator

from components.parts.network_operator import nodes
from components.parts.network_operator.config import NetworkOperator, OfPool, Shared
from components.parts.part import Ground
from components.problem import Problem


def notes(config: NetworkOperator, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    for name, pool in config.pools.items():
        if not _joined(config, name, pool.interfaces):
            text = f"no network has its cards: a pod with {nodes.resource(name, pool)} has no address there"
            also = ", unless it runs with hostNetwork: true" if isinstance(pool, Shared) else ""
            yield Problem(("pools", name), f"{text}{also}.")
    if nodes.sriov(config):
        text = "pulumi up drains each host while its virtual functions are made, one host after another."
        yield Problem(("pools",), text)
    if config.driver and (more := len(nodes.serving(config, ground.hosts))):
        text = f"the driver is built on {more} hosts, {config.driver.parallel} at a time, and their cards' links go"
        yield Problem(("driver",), f"{text} down meanwhile: their own addresses must not be on these cards.")
    for name, project in ground.projects.items():
        if project.pod_security != "privileged":
            text = f"{project.pod_security} refuses pods the capability IPC_LOCK, by which RDMA locks memory. Write"
            fix = "privileged, or raise LimitMEMLOCK of containerd.service on the hosts."
            yield Problem(("projects", name, "podSecurity"), f"{text} {fix}", elsewhere=True)


def _joined(config: NetworkOperator, pool: str, interfaces: tuple[str, ...]) -> bool:
    return any(
        network.pool == pool if isinstance(network, OfPool) else network.interface in interfaces
        for network in config.networks.values()
    )
