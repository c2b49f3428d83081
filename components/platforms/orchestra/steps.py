"""Orchestra on its hosts, as data: config in, steps out. Nothing here touches a host.

database (PostgreSQL → cluster → role, database → backups → pgAdmin)  →  pilot's host (source → environment →
settings → setup → tables → node table, a step a machine → pilot)
"""

from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from components.host.artefact_steps import there
from components.host.config import Host
from components.host.packages import packages
from components.hostrun.step import Step
from components.parts.part import Hosts, Wave
from components.platforms.orchestra.config import Orchestra, Source
from components.platforms.orchestra.pgadmin import pgadmin
from components.platforms.orchestra.places import address, clients, database_host, listen, nodes

_SCRIPTS = Path(__file__).parent / "steps"
_BACKUPS = Path(__file__).with_name("program.sh")


def uses(config: Orchestra, hosts: Hosts) -> tuple[str, ...]:
    """The database's host and the pilot's, including gone ones, whose layers are to be forgotten."""
    return tuple(name for name in dict.fromkeys((database_host(config), config.host)) if name in hosts)


def preflight(config: Orchestra, host: Host, hosts: Hosts) -> list[Step]:
    """The database's port is free and its addresses are there; the operator's files are on the pilot's host."""
    steps: list[Step] = []
    if host.name == database_host(config):
        steps.append(_step("port", port=str(config.database.port), listen=_words(listen(config, hosts))))
    if host.name == config.host:
        for source, what in ((config.source, "Orchestra's source"), (config.partitura, "partitura")):
            if source and source.archive:
                steps += there(source.archive, what, label=f"orchestra-{what.split()[-1]}")
    return steps


def waves(config: Orchestra, hosts: Hosts) -> list[Wave]:
    """The database first, in a layer of its own: the pilot may run on another host."""
    base, head = database_host(config), config.host
    return [
        *([Wave(f"{config.name}-database", {base: database(config, hosts)})] if base in hosts else []),
        *([Wave(config.name, {head: pilot(config, hosts)})] if head in hosts else []),
    ]


def database(config: Orchestra, hosts: Hosts) -> list[Step]:
    """The steps of the database's host."""
    own = config.database
    port, names = {"port": str(own.port)}, {"database": own.name, "user": own.user}
    backup = {"folder": own.backup.folder, "time": own.backup.time}
    places = {"listen": _words(listen(config, hosts)), "clients": _words(clients(config, hosts))}
    return [
        _step("no_main"),
        packages(["@postgresql", "@python3", *(["@venv"] if config.pgadmin else [])], label="postgresql"),
        Step(_SCRIPTS / "orchestra_cluster.sh", {**port, **names, **places}),
        Step(_SCRIPTS / "orchestra_database.sh", {**port, **names}, secrets={"password": own.password_secret}),
        Step(_SCRIPTS / "orchestra_backup.sh", backup, {"program": backups(config)}),
        *(pgadmin(config, config.pgadmin) if config.pgadmin else []),
    ]


def pilot(config: Orchestra, hosts: Hosts) -> list[Step]:
    """The steps of the pilot's host."""
    path, who = {"path": config.path}, {"user": config.user}
    own = {"requirements": config.requirements.read_text()} if config.requirements else {}
    environment = {**path, **who, "index": config.index or "", "own": "yes" if own else "no", "what": "Orchestra"}
    environment |= {"unit": "orchestra-pilot", "key": "requirements"}
    setup = config.commands.setup
    return [
        packages([*_tools(config), "@postgresql-client", "@python3", "@venv"], label="orchestra"),
        _step("account", **who, what="Orchestra"),
        _source(config, config.source, "Orchestra's source", "source"),
        *([_source(config, config.partitura, "partitura", "partitura")] if config.partitura else []),
        Step(_SCRIPTS / "orchestra_environment.sh", environment, own),
        _settings(config, hosts),
        *([_step("setup", **path, **who, command=setup, id=_id(config.source))] if setup else []),
        _step("tables", **path, **who, recreate=config.database.recreate, id=_id(config.source)),
        *_rows(config, hosts),
        _step("pilot", **who, after=_after(config)),
        *([_step("access", **who)] if config.kubeconfig_secret else []),
    ]


def backups(config: Orchestra) -> str:
    """The program that makes backups and puts them back; the site's words are its second line."""
    own = config.database
    folder = quote(own.backup.folder)
    words = f"port={own.port} database={own.name} owner={own.user} folder={folder} number={own.backup.keep}"
    first, rest = _BACKUPS.read_text().split("\n", 1)
    return f"{first}\n{words}\n{rest}"


def program(config: Orchestra) -> str:
    """The program that runs Orchestra's commands: each in its folder, with its environment and variables."""
    own, path = config.commands, quote(config.path)
    init = f"{own.init}\n" if own.init else ""
    return f"""\
#!/bin/bash
# gpu-metal: `run pilot`, `run create-tables`, `run setup`; or `run COMMAND…` with the same environment.
set -a
. /etc/orchestra/orchestra.env
set +a
cd {path}/source || exit
. {path}/environment/bin/activate
if [[ $1 == setup ]]; then
    {own.setup or "true"}
    exit
fi
{init}case $1 in
    create-tables) {own.create_tables} ;;
    pilot) {own.pilot} ;;
    *) exec "$@" ;;
esac
"""


def _rows(config: Orchestra, hosts: Hosts) -> list[Step]:
    """A step a machine, so that a diff names the row that changes; before them, that there are no others."""
    rows = nodes(config, hosts)
    return [
        _step("nodes", machines=" ".join(rows)),
        *(
            Step(
                _SCRIPTS / "orchestra_node.sh",
                {
                    "machine": machine,
                    "cpu": str(node.cpu),
                    "gpu": str(node.gpu),
                    "max_cpu": str(node.max_cpu),
                    "max_gpu": str(node.max_gpu),
                    "queue": node.queue,
                },
                label=machine,
            )
            for machine, node in rows.items()
        ),
    ]


def _settings(config: Orchestra, hosts: Hosts) -> Step:
    own, kubeconfig = config.database, config.kubeconfig_secret
    inputs = {
        "path": config.path,
        "user": config.user,
        "host": address(config, hosts),
        "port": str(own.port),
        "database": own.name,
        "role": own.user,
        "variable": own.variable,
        "tls": "disable" if database_host(config) == config.host else "require",
        "kubeconfig": "yes" if kubeconfig else "no",
    }
    secrets = {"password": own.password_secret, **({"kubeconfig": kubeconfig} if kubeconfig else {})}
    return Step(_SCRIPTS / "orchestra_settings.sh", inputs, {"run": program(config)}, secrets)


def _source(config: Orchestra, source: Source, what: str, folder: str) -> Step:
    inputs = {"what": what, "folder": f"{config.path}/{folder}", "user": config.user}
    if folder != "source":
        inputs["link"] = f"{config.path}/source/external/{folder}"
    if source.git:
        inputs |= {"git": source.git.url, "revision": source.git.revision}
    elif source.archive:
        inputs |= source.archive.inputs()
    return Step(_SCRIPTS / "orchestra_source.sh", inputs, label=folder)


def _tools(config: Orchestra) -> list[str]:
    git = any(source and source.git for source in (config.source, config.partitura))
    setup = config.commands.setup or ""
    reads = ["openssl"] if config.kubeconfig_secret else []
    return ["tar", "gzip", *reads, *(["git", "ca-certificates"] if git or "setup_modules" in setup else [])]


def _id(source: Source) -> str:
    return source.archive.sha256 if source.archive else source.git.revision if source.git else ""


def _after(config: Orchestra) -> str:
    return "postgresql.service" if database_host(config) == config.host else ""


def _words(values: Iterable[object]) -> str:
    return " ".join(str(value) for value in values)


def _step(name: str, **inputs: str) -> Step:
    return Step(_SCRIPTS / f"orchestra_{name}.sh", inputs)
