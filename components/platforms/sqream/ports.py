"""Ports of SQream: who listens where. Pure."""

from collections.abc import Sequence

from components.platforms.sqream.config import Sqream, Worker


def of_workers(first: int, workers: Sequence[Worker]) -> tuple[tuple[int, ...], ...]:
    """The ports of each entry's workers: its own `port` and those after it, else the next ones from `first` on that no
    entry has reserved."""
    own = {port for worker in workers if worker.port for port in range(worker.port, worker.port + worker.count)}
    found, port = [], first
    for worker in workers:
        if worker.port:
            found.append(tuple(range(worker.port, worker.port + worker.count)))
            continue
        ports: list[int] = []
        while len(ports) < worker.count:
            if port not in own:
                ports.append(port)
            port += 1
        found.append(tuple(ports))
    return tuple(found)


STUDIO = 8080
_EDITOR = 3000


def has_studio(config: Sqream) -> bool:
    """Whether the package has Studio, which was called the editor before version 4."""
    return int(config.installer.versions.editor.split(".")[0]) >= 4


def studio(config: Sqream) -> int:
    """The port of Studio, or of the editor."""
    return STUDIO if has_studio(config) else config.studio_port or _EDITOR


def workers_on(config: Sqream, host: str) -> tuple[Worker, ...]:
    """The workers of this host, in the order in which they start."""
    if host == config.host:
        return config.workers
    return config.worker_hosts[host].workers if host in config.worker_hosts else ()


def listening(config: Sqream, host: str) -> dict[str, tuple[int, ...]]:
    """The services that listen on this host, with their ports."""
    found: dict[str, tuple[int, ...]] = {}
    if host == config.host:
        found = {"metadata": (config.metadata_port,), "picker": (config.picker_port,)}
        if config.studio:
            found["studio"] = (studio(config),)
    workers = of_workers(config.first_port, workers_on(config, host))
    return {**found, **({"workers": tuple(port for ports in workers for port in ports)} if workers else {})}
