"""SQream in Docker, as data: config in, steps out. Nothing here touches a host.

Each host has two layers. NAME touches no service, and is complete on all hosts before any host goes on. NAME-run has
the installation and the services, and starts with the master's host, which has a third one, NAME-query, at the end.
"""

from hashlib import sha256
from pathlib import Path

from components.host.artefact_steps import there
from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.parts.part import Hosts, Wave
from components.platforms.sqream import ports, services
from components.platforms.sqream.config import Hadoop, Sqream

_SCRIPTS = Path(__file__).parent / "steps"
_CUDA = "10.1"
"""The guide's version of CUDA; a later driver runs containers of an earlier one."""


def uses(config: Sqream, hosts: Hosts) -> tuple[str, ...]:
    """The master's host, then those with workers only, including gone ones, whose layers are to be forgotten."""
    return tuple(name for name in dict.fromkeys((config.host, *config.worker_hosts)) if name in hosts)


def preflight(config: Sqream, host: Host, hosts: Hosts) -> list[Step]:
    """The preflight checks: the package is available, networks do not overlap, ports are free, and the spools fit in
    memory. None with handOver."""
    if config.hand_over:
        return []
    listening = " ".join(str(port) for ports_of in ports.listening(config, host.name).values() for port in ports_of)
    steps = [
        *there(config.installer, "SQream's package", label="sqream"),
        _step("sqream_network", hosts=" ".join(_peers(config, hosts))),
        _step("sqream_ports", ports=listening, layer=run_layer(config)),
    ]
    spools = sum(worker.count * (worker.spool_gb or 0) for worker in ports.workers_on(config, host.name))
    return [*steps, _step("sqream_fits", architecture=config.installer.versions.architecture, spools=str(spools))]


def waves(config: Sqream, hosts: Hosts) -> list[Wave]:
    """All hosts get ready; then the master's host runs; then, all at once, the hosts that need its metadata."""
    names = uses(config, hosts)
    running = {name: _running(config, hosts[name], hosts) for name in names}
    return [
        Wave(config.name, {name: _ready(config) for name in names}),
        *(
            Wave(run_layer(config), {name: running[name] for name in wave}, before=before)
            for wave, before in (
                ([name for name in names if name == config.host], services.before(config, hosts)),
                ([name for name in names if name != config.host], {}),
            )
            if wave
        ),
        *_queried(config, hosts),
    ]


def _queried(config: Sqream, hosts: Hosts) -> list[Wave]:
    """The last layer, on the master's host: a query, which needs a worker anywhere."""
    workers = [name for name in uses(config, hosts) if hosts[name].state != "gone" and ports.workers_on(config, name)]
    if config.hand_over or config.host not in hosts or not workers:
        return []
    return [Wave(f"{config.name}-query", {config.host: [_step("sqream_query", port=str(config.picker_port))]})]


def run_layer(config: Sqream) -> str:
    """The name of the layer with the installation and the services."""
    return f"{config.name}-run"


def _ready(config: Sqream) -> list[Step]:
    """Folders, package, licence and Hadoop's files on a host."""
    package = _package(config)
    folders = _folders(config)
    if _ingest_in_storage(config):
        del folders["ingest"]
    steps = [
        packages(["@pciutils", "@python3"], label="sqream"),
        _step("sqream_network"),
        _step("sqream_folders", user=config.user, **folders),
        _step("sqream_package", **package, **config.installer.inputs()),
        Step(_SCRIPTS / "sqream_license.sh", package, secrets={"license": config.license_secret}),
    ]
    if config.hadoop is None:
        return steps
    files, keytab = _hadoop_files(config.hadoop), {"keytab": config.hadoop.keytab_secret}
    return [*steps, Step(_SCRIPTS / "sqream_hadoop.sh", package, files, keytab)]


def _hadoop_files(config: Hadoop) -> dict[str, str]:
    return {key: getattr(config, key).read_text() for key in ("core_site", "hdfs_site", "krb5")}


def _secrets(config: Sqream) -> dict[str, str]:
    licence = {"license": config.license_secret}
    return {**licence, "keytab": config.hadoop.keytab_secret} if config.hadoop else licence


def _running(config: Sqream, host: Host, hosts: Hosts) -> list[Step]:
    """Installs the package and runs its services."""
    # The secrets are inputs here too: this layer loads them, so a new secret must change it.
    installed = Step(_SCRIPTS / "sqream_install.sh", _installation(config, host), secrets=_secrets(config))
    steps = [*services.upgrade(config, host), installed]
    if _ingest_in_storage(config):
        inputs = {"user": config.user, "ingest": _folders(config)["ingest"]}
        steps.append(Step(_SCRIPTS / "sqream_folders.sh", inputs, label="ingest"))
    return [*steps, *services.services(config, host, hosts)]


def _installation(config: Sqream, host: Host) -> dict[str, str]:
    versions = config.installer.versions
    workers = sum(worker.count for worker in ports.workers_on(config, host.name))
    inputs = {
        **_package(config),
        **{"database": versions.database, "console": versions.console, "editor": versions.editor},
        **_folders(config),
        "workers": str(workers),
    }
    if host.gpu:
        inputs |= {"gpus": str(host.gpu.count), "cuda": host.gpu.cuda or _CUDA}
    if config.metadata_change:
        inputs["metadata_change"] = config.metadata_change
    if config.window:
        inputs["window"] = config.window
    # Worker hosts may share the storage: they must not empty what the master's host has just made.
    if config.overwrite != "no" and host.name == config.host:
        inputs["overwrite"] = config.overwrite
    if config.hadoop:
        files = "".join(_hadoop_files(config.hadoop).values())
        inputs |= {"principal": config.hadoop.principal, "kdc": config.hadoop.kdc}
        inputs["hadoop"] = sha256(files.encode()).hexdigest()[:12]
    return inputs


def _folders(config: Sqream) -> dict[str, str]:
    return {key: path for key, path in config.folders.model_dump().items() if path}


def _ingest_in_storage(config: Sqream) -> bool:
    """True if ingest is inside storage: then the installer makes it, since it refuses a storage that is not empty."""
    return bool(config.folders.ingest) and Path(config.folders.ingest or "/").is_relative_to(config.folders.storage)


def _package(config: Sqream) -> dict[str, str]:
    return {"user": config.user, "package": config.installer.package}


def _peers(config: Sqream, hosts: Hosts) -> list[str]:
    """Hosts of this SQream that containers must reach, with their addresses."""
    there = [hosts[name] for name in uses(config, hosts) if hosts[name].state != "gone"]
    return [f"{host.name}={host.address}" for host in there if host.address.version == 4]


def _step(script: str, /, **inputs: str) -> Step:
    return Step(_SCRIPTS / f"{script}.sh", inputs)
