"""Which services of SQream listen on a host, the keys of their ports, and who may connect. Pure."""

from collections.abc import Iterator, Sequence

from components.host.config import Host
from components.host.listening import Listening
from components.parts.part import Hosts
from components.platforms.sqream import ports
from components.platforms.sqream.config import Sqream
from components.problem import Key


def listening(config: Sqream, host: Host, hosts: Hosts) -> tuple[Listening, ...]:  # noqa: ARG001 (as every part's)
    """The picker sends clients on to workers, so both are open to everybody, as Studio is; metadata is for workers.

    Where the site has a firewall, it keeps to this list also for the ports that Docker publishes."""
    if host.name != config.host:
        return tuple(_workers(config, host.name))
    return (*_master(config), *_workers(config, host.name))


def _master(config: Sqream) -> Iterator[Listening]:
    name = config.name
    metadata, picker = str(config.metadata_port), str(config.picker_port)
    yield Listening(f"{name}-metadata", "SQream's metadata server", metadata, key=("metadataPort",))
    yield Listening(f"{name}-picker", "SQream's server picker", picker, sources="any", key=("pickerPort",))
    if config.studio:
        own: Key = ("studio",) if ports.has_studio(config) else ("studioPort",)
        port = str(ports.studio(config))
        yield Listening(f"{name}-studio", "SQream Studio", port, sources="any", key=own, fixed=ports.has_studio(config))


def _workers(config: Sqream, host: str) -> Iterator[Listening]:
    workers = ports.workers_on(config, host)
    at: Key = () if host == config.host else ("workerHosts", host)
    numbered: list[int] = []
    for index, (worker, own) in enumerate(zip(workers, ports.of_workers(config.first_port, workers), strict=True)):
        if worker.port:
            yield from _of_keys(config, own, (*at, "workers", index, "port"))
        else:
            numbered += own
    yield from _of_keys(config, numbered, ("firstPort",))


def _of_keys(config: Sqream, numbers: Sequence[int], key: Key) -> Iterator[Listening]:
    for port in _ranges(numbers):
        yield Listening(f"{config.name}-worker-{port}", "SQream's workers", port, sources="any", key=key)


def _ranges(numbers: Sequence[int]) -> list[str]:
    """Ports that follow each other, as FIRST-LAST."""
    found: list[list[int]] = []
    for port in sorted(numbers):
        if found and port == found[-1][1] + 1:
            found[-1][1] = port
        else:
            found.append([port, port])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]
