"""What must hold of the device plugin in its site. Pure; each problem names the key, from the entry on, and the fix."""

from collections.abc import Callable, Iterator
from itertools import chain

from components.gpu import pods
from components.parts import chart
from components.parts.device_plugin.config import DevicePlugin
from components.parts.device_plugin.values import DECIDED_BY, ours, strategy
from components.parts.part import Ground
from components.problem import Problem


def hosts(config: DevicePlugin, ground: Ground) -> Iterator[Problem]:
    """Some host has GPUs, and each pool names such hosts."""
    serving = pods.with_gpus(ground.hosts)
    yield from pods.none_there(serving, ground.hosts)
    yield from pods.wrong_pools(config.pools, serving, ground.hosts)
    yield from pods.wrong_smoke(config.smoke, serving)
    if config.mig_strategy != "none" and pods.shared(config.pools):
        yield Problem(("pools",), "shares whole GPUs, and migStrategy offers parts. Take one of them away.")


def toolkits(_: DevicePlugin, ground: Ground) -> Iterator[Problem]:
    """Each host with GPUs gives them to containers; the operator's driver comes with the operator only."""
    for name, host in pods.with_gpus(ground.hosts).items():
        if host.gpu and host.gpu.toolkit is None:
            text = "is missing: the device plugin needs NVIDIA's toolkit on each host with GPUs. Write toolkit: {}."
            yield Problem(("hosts", name, "gpu", "toolkit"), text, elsewhere=True)


def told(config: DevicePlugin, ground: Ground) -> Iterator[Problem]:
    """CDI is used where each host's toolkit has it."""
    if not strategy(config, ground.hosts).startswith("cdi"):
        return
    for name, host in pods.with_gpus(ground.hosts).items():
        if host.gpu and host.gpu.toolkit and host.gpu.toolkit.mode != "cdi":
            yield Problem(("strategy",), f"{name} has gpu.toolkit.mode: legacy. Write auto, or mode: cdi there.")
            return


def open_values(config: DevicePlugin, ground: Ground) -> Iterator[Problem]:
    """Open values are none that a typed key decides."""
    yield from chart.decided(config.values, ours(config, ground.hosts), DECIDED_BY)


CHECKS: tuple[Callable[[DevicePlugin, Ground], Iterator[Problem]], ...] = (hosts, toolkits, told, open_values)


def checks(config: DevicePlugin, ground: Ground) -> Iterator[Problem]:
    """All of them."""
    return chain.from_iterable(check(config, ground) for check in CHECKS)


def notes(config: DevicePlugin, ground: Ground) -> Iterator[Problem]:
    """What is allowed and yet worth a line."""
    if strategy(config, ground.hosts) == "envvar":
        text = "with envvar, a container that asks for no GPU and sets NVIDIA_VISIBLE_DEVICES=all sees every GPU."
        yield Problem(("strategy",), text)
