"""What must hold of the GPU Operator in its site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from components.gpu import mig, pods
from components.host.config import Host
from components.parts import chart
from components.parts.gpu_operator import nodes
from components.parts.gpu_operator.config import GpuOperator, GpuPool
from components.parts.gpu_operator.values import DECIDED_BY, ours, toolkit
from components.parts.gpu_operator.versions import DRA_DRIVER, DRA_KUBERNETES, DRIVER_SYSTEMS
from components.parts.part import Ground
from components.problem import Problem


def hosts(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """Some host has GPUs for pods, and those that are left out are hosts."""
    serving = nodes.serving(config, ground.hosts)
    yield from pods.none_there(serving, ground.hosts)
    yield from pods.wrong_pools(config.pools, serving, ground.hosts)
    yield from pods.wrong_smoke(config.smoke, serving)
    for word in config.without_operands:
        if not pods.named([word], ground.hosts):
            yield Problem(("withoutOperands",), f"{word} is neither a host nor a group with hosts. Take it out.")


def divided(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """Each model of a pool can be divided as the pool says, and the instances can be offered."""
    for name, pool in config.pools.items():
        if pool.mig:
            key = ("pools", name, "mig")
            yield from (Problem(key, text) for text in _not_offered(config, pool))
            serving = nodes.serving(config, ground.hosts)
            of = [serving[host] for host in pods.named(pool.hosts, ground.hosts) if host in serving]
            models = dict.fromkeys(host.gpu.model for host in of if host.gpu)
            yield from (Problem(key, text) for model in models for text in mig.wrong(model, pool.mig))
            off = [host.name for host in of if host.gpu and host.gpu.mig is False]
            if off:
                yield Problem(key, f"{off[0]} has gpu.mig: false, and this divides its GPUs. Take gpu.mig away there.")


def _not_offered(config: GpuOperator, pool: GpuPool) -> Iterator[str]:
    if config.mig_strategy == "none":
        yield "is not offered to pods with migStrategy: none. Write migStrategy: mixed."
    elif config.mig_strategy == "single" and pool.mig and len(pool.mig) > 1:
        yield "has several profiles, which migStrategy: single cannot offer. Write migStrategy: mixed."
    if pool.mps:
        yield "divides GPUs, and MPS shares whole ones. Take mps away, or write timeSlicing."


def one_owner(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """Either the host's layers or the operator set up containerd for GPUs, on all hosts alike."""
    own = nodes.with_toolkit(config, ground.hosts)
    if config.toolkit and own:
        text = f"{own[0]} has gpu.toolkit, which sets up containerd already. Write false, or take that away there."
        yield Problem(("toolkit",), text)
    elif own and (others := [name for name in nodes.serving(config, ground.hosts) if name not in own]):
        text = f"{own[0]} has gpu.toolkit, and {others[0]} has not. Write it on both, or on none: the operator has it."
        yield Problem(("toolkit",), text)
    elif config.toolkit is False and not own and nodes.serving(config, ground.hosts):
        text = "no host has gpu.toolkit, so that nothing sets up containerd. Write true, or gpu.toolkit."
        yield Problem(("toolkit",), text)
    if config.cdi and not toolkit(config, ground.hosts):
        served = (ground.hosts[name] for name in own)
        legacy = [host.name for host in served if host.gpu and host.gpu.toolkit and host.gpu.toolkit.mode != "cdi"]
        if legacy:
            text = f"{legacy[0]} has gpu.toolkit.mode: legacy. Write false, or mode: cdi there."
            yield Problem(("cdi",), text)
    if config.nri and not config.cdi:
        yield Problem(("nri",), "is a way to use CDI. Write cdi: true, or take it away.")
    if config.nri and own:
        text = f"runs in the operator's toolkit, and {own[0]} has gpu.toolkit in its place. Take one of them away."
        yield Problem(("nri",), text)


def driver(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """Hosts that want the driver from the operator get one."""
    wanting = nodes.with_driver(config, ground.hosts)
    if config.driver and not wanting:
        yield Problem(("driver",), "no host has gpu.driver: operator. Write that on hosts, or take this away.")
    found = [problem for name in wanting for problem in _container(ground.hosts[name])]
    yield from found or _systems(config, ground, wanting)
    served = nodes.serving(config, ground.hosts)
    for name, host in ground.hosts.items():
        if host.state != "gone" and host.gpu and host.gpu.driver == "operator" and name not in served:
            key = ("hosts", name, "gpu", "driver")
            text = (
                f"the operator does not serve {name}: it is no node with GPUs, or in withoutOperands. Write a branch."
            )
            yield Problem(key, text, elsewhere=True)


def _systems(config: GpuOperator, ground: Ground, wanting: Sequence[str]) -> Iterator[Problem]:
    """The operator takes the driver's image by the system of any node with GPUs, for all of them.

    Source: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/prerequisites.html
    """
    for name in wanting[:1]:
        key = ("hosts", name, "gpu", "driver")
        if config.dra:
            text = "operator brings no driver with gpuOperator.dra: true. Write a branch, or dra: false."
            yield Problem(key, text, elsewhere=True)
        mine = ground.hosts[name].os
        for other in pods.with_gpus(ground.hosts).values():
            if mine and other.os and _image(other.os) != _image(mine):
                text = f"operator has one image of the driver for all nodes with GPUs: {name} has {mine}, and"
                yield Problem(key, f'{text} {other.name} {other.os}. Write a branch, such as "580".', elsewhere=True)
                return


def _image(system: str) -> str:
    """Of Ubuntu, there is an image for each release; of others for each major one."""
    return system if system.startswith("ubuntu-") else system.partition(".")[0]


def _container(host: Host) -> Iterator[Problem]:
    key = ("hosts", host.name, "gpu", "driver")
    if host.os is None:
        text = (
            f"operator needs the os of {host.name}: NVIDIA has the driver in containers for some only. Write os there."
        )
        yield Problem(key, text, elsewhere=True)
    elif not any(host.os == known or host.os.startswith(f"{known}.") for known in DRIVER_SYSTEMS):
        text = f'NVIDIA has no container of the driver for {host.os} of {host.name}. Write a branch, such as "580".'
        yield Problem(key, text, elsewhere=True)
    if host.gpu and host.gpu.toolkit:
        text = "needs the driver on the host, which gpu.driver: operator leaves out. Take it away."
        yield Problem(("hosts", host.name, "gpu", "toolkit"), text, elsewhere=True)


def claims(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """Dynamic Resource Allocation has the versions that it needs, and nothing of the device plugin's."""
    if not config.dra:
        return
    if ground.kubernetes and tuple(map(int, ground.kubernetes.version.split("."))) < DRA_KUBERNETES:
        least = ".".join(map(str, DRA_KUBERNETES))
        text = (
            f"needs Kubernetes {least} or later, and the site has {ground.kubernetes.version}. Write false, or upgrade."
        )
        yield Problem(("dra",), text)
    for name, host in nodes.serving(config, ground.hosts).items():
        of = host.gpu.installed if host.gpu else None
        if of and int(of.branch) < DRA_DRIVER:
            text = (
                f"needs driver {DRA_DRIVER} or later, and {name} has {of.branch}. Write false, or such a branch there."
            )
            yield Problem(("dra",), text)
    for key, given in (("pools", config.pools), ("smoke", config.smoke)):
        if given:
            yield Problem((key,), "is about nvidia.com/gpu, which nodes do not offer with dra: true. Take one away.")


def open_values(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    yield from chart.decided(config.values, ours(config, ground.hosts), DECIDED_BY)


def divided_by_hand(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """No instances that people made are lost: the operator labels each node that could be divided and is in no pool
    with all-disabled, and the MIG manager stops what uses the GPUs and turns MIG off.

    Source: controllers/nodelabeling_controller.go of the operator; `migManager.config.default` of its chart.
    """
    for name, host in nodes.serving(config, ground.hosts).items():
        its = nodes.pool(config, name, ground.hosts)
        if host.gpu and host.gpu.mig and not config.dra and not (its and its[1].mig):
            text = f"the operator turns MIG off on {name}, which is in no pool with mig, and its instances go. Write"
            fix = "gpuOperator.pools with mig for it, or put it into gpuOperator.withoutOperands."
            yield Problem(("hosts", name, "gpu", "mig"), f"{text} {fix}", elsewhere=True)


CHECKS: tuple[Callable[[GpuOperator, Ground], Iterator[Problem]], ...] = (
    hosts,
    divided,
    divided_by_hand,
    one_owner,
    driver,
    claims,
    open_values,
)


def checks(config: GpuOperator, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)
