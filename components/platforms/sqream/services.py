"""SQream in operation, as data: its services under systemd, its upgrade, and its end. Nothing here touches a host."""

import json
from collections.abc import Mapping
from pathlib import Path

from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.parts.part import Hook, Hosts
from components.platforms.sqream import ports
from components.platforms.sqream.aside import stand_aside
from components.platforms.sqream.config import Sqream, Worker

_SCRIPTS = Path(__file__).parent / "steps"
_PROGRAM = Path(__file__).with_name("program.sh")

MASTER = "master"


def upgrade(config: Sqream, host: Host) -> list[Step]:
    """The steps before the installation: the program that stops and starts services, and the upgrade."""
    if config.hand_over:
        return []
    versions = config.installer.versions
    inputs = {
        **{"user": config.user, "package": config.installer.package},
        **{"database": versions.database, "console": versions.console, "editor": versions.editor},
        **{"master": "yes" if host.name == config.host else "no"},
    }
    optional = {
        "window": config.window,
        "metadata_change": config.metadata_change,
        "others": " ".join(config.worker_hosts) if host.name == config.host else None,
    }
    return [
        packages(["@script"], label="terminal"),
        Step(_SCRIPTS / "sqream_program.sh", {"user": config.user}, {"program": _PROGRAM.read_text()}),
        Step(_SCRIPTS / "sqream_upgrade.sh", {**inputs, **{key: value for key, value in optional.items() if value}}),
    ]


def services(config: Sqream, host: Host, hosts: Hosts) -> list[Step]:
    """The steps after the installation: master, workers one after another, Studio; with handOver only the hand-over."""
    if config.hand_over:
        return [Step(_SCRIPTS / "sqream_hand_over.sh", {"user": config.user, "storage": config.folders.storage})]
    found: list[Step] = []
    if host.name == config.host:
        found.append(_service(config, MASTER, config.picker_port, _master(config), also=config.metadata_port))
    after = [MASTER] if found else []
    for worker, of_worker in _workers(config, host.name):
        for port in of_worker:
            found.append(_worker(config, host, hosts, worker, port, after))
            after = [*after[: len(after) and after[0] == MASTER], f"worker-{port}"]
    if host.name == config.host and config.studio:
        found.append(_service(config, "studio", ports.studio(config), "studio --start", after=after))
    listening = [port for found_ports in ports.listening(config, host.name).values() for port in found_ports]
    shown = " ".join(str(port) for port in listening)
    return [*found, Step(_SCRIPTS / "sqream_status.sh", {"ports": shown})]


def before(config: Sqream, hosts: Hosts) -> Mapping[str, Hook]:
    """The hook before the master's host changes: it stops workers of another version on the other hosts."""
    others = [name for name in config.worker_hosts if name in hosts and hosts[name].state != "gone"]
    if not others or config.hand_over:
        return {}
    return {config.host: stand_aside(others, config.installer.package, config.window)}


def _workers(config: Sqream, host: str) -> list[tuple[Worker, tuple[int, ...]]]:
    workers = ports.workers_on(config, host)
    return list(zip(workers, ports.of_workers(config.first_port, workers), strict=True))


def _master(config: Sqream) -> str:
    """Passes only ports that are not the console's defaults: the vendor's pages disagree about the flags."""
    command = "master --start"
    if config.picker_port != Sqream.model_fields["picker_port"].default:
        command += f" -p {config.picker_port}"
    if config.metadata_port != Sqream.model_fields["metadata_port"].default:
        command += f" -m {config.metadata_port}"
    return command


def _worker(config: Sqream, host: Host, hosts: Hosts, worker: Worker, port: int, after: list[str]) -> Step:
    """One worker; the workers of one entry differ only in their port."""
    name = f"worker-{port}"
    command = f"worker --start 1 -g {worker.gpu} -p {port}"
    if worker.spool_gb:
        command += f" -m {worker.spool_gb}"
    if worker.settings:
        command += f" -j {config.folders.config}/gpu-metal-{name}.json"
    if host.name != config.host and config.host in hosts:
        command += f" --master-host {hosts[config.host].address}"
        if config.metadata_port != Sqream.model_fields["metadata_port"].default:
            command += f" --master-port {config.metadata_port}"
    return _service(config, name, port, command, after=after, worker=worker)


def _service(
    config: Sqream,
    name: str,
    port: int,
    command: str,
    *,
    also: int | None = None,
    after: list[str] | None = None,
    worker: Worker | None = None,
) -> Step:
    inputs = {"name": name, "port": str(port), "command": command, "storage": config.folders.storage}
    if also:
        inputs["also"] = str(also)
    if after:
        inputs["after"] = " ".join(f"gpu-metal-sqream-{unit}.service" for unit in after)
    if config.window:
        inputs["window"] = config.window
    if worker is None:
        return Step(_SCRIPTS / "sqream_service.sh", inputs, label=name)
    inputs["gpu"] = str(worker.gpu)
    if not worker.settings:
        return Step(_SCRIPTS / "sqream_service.sh", inputs, label=name)
    inputs["config"] = config.folders.config
    text = json.dumps(worker.settings, indent=4, sort_keys=True)
    return Step(_SCRIPTS / "sqream_service.sh", inputs, {"settings": text}, label=name)
