"""A site with Orchestra on one emulated host, and what an administrator asks of it."""

from typing import Any

from components.host.config import Host
from components.hostrun.step import Step
from components.platforms.orchestra import steps
from components.platforms.orchestra.config import Orchestra
from lab.parts.orchestra import depot
from tests.scripts.frozen import Recipe
from tests.scripts.lab_host import HOST, LabHost

PASSWORD = "s3cret: a\\'%b".replace(" ", "_")
CONSOLE = "the-password-of-pgadmin"
SECRETS = {"orchestraDatabase": PASSWORD, "pgadminPassword": CONSOLE}
LEFT = (
    *("/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/.pwd.lock", "/etc/subuid", "/etc/subgid"),
    "perl-base:amd64",
)
"""Debian deletes no user of a package. Its perl wants a base of its own version: what a package needs is not undone."""
OPEN = """sed s/127.0.0.1/0.0.0.0/ /etc/orchestra/pgadmin.py >/run/open.py
mkdir /run/systemd/system/orchestra-pgadmin.service.d
printf '[Service]\\nEnvironment=CONFIG_DISTRO_FILE_PATH=/run/open.py\\n' \
    >/run/systemd/system/orchestra-pgadmin.service.d/open.conf
systemctl daemon-reload; systemctl restart orchestra-pgadmin"""
"""Gives pgAdmin settings by which it listens everywhere, and starts it again."""
FOREIGN = "SET ROLE orchestra; CREATE TABLE node (id integer); CREATE TABLE keep (id integer);"
NODES = {"node02": {"cpu": 2}, "node03": {"cpu": 1, "maxCpu": 20, "queue": "cern"}}

RUNNING = "runuser -u postgres -- psql -XAtqd orchestra -c \"SELECT count(*) FROM job WHERE status = 'running'\""
ASKED = (
    'runuser -u orchestra -- /etc/orchestra/run bash -c \'psql -XAtc "SELECT current_user";'
    ' env -u PGPASSFILE psql "$ORCHESTRA_DATABASE_URL" -XAtc "SELECT 1"\''
)
"""The pilot's user asks the database, by libpq's variables and by the URL."""


def wanted(host: LabHost, **more: Any) -> Orchestra:
    database = {"passwordSecret": "orchestraDatabase", **more.pop("database", {})}
    base = {
        "kind": "orchestra",
        "host": host.machine.name,
        "source": {"archive": {"url": depot.URL, "sha256": depot.sha256()}},
        "index": depot.INDEX,
        "nodes": NODES,
        "database": database,
        "pgadmin": {"email": "admin@lab.local", "passwordSecret": "pgadminPassword"},
    }
    return Orchestra.model_validate({**base, **more})


def site(host: LabHost) -> dict[str, Host]:
    """The host, and the machines of the node table."""
    known = {host.machine.name: host.machine.address, "node02": "10.9.0.2", "node03": "10.9.0.3", "node04": "10.9.0.4"}
    return {
        name: Host.model_validate({"name": name, "address": address, "hostKey": "ssh-ed25519 AAAA"})
        for name, address in known.items()
    }


def layers(host: LabHost, config: Orchestra) -> dict[str, list[Step]]:
    """All of the host, by layer."""
    waves = steps.waves(config, site(host))
    return {wave.layer: list(wave.steps[host.machine.name]) for wave in waves}


def _packages() -> Recipe:
    """What takes a minute to install."""
    own = layers(LabHost(HOST), wanted(LabHost(HOST)))
    return Recipe("orchestra", {"orchestra-database": own["orchestra-database"][:2], "orchestra": own["orchestra"][:1]})


PACKAGES = _packages()


def made(host: LabHost, config: Orchestra, **secrets: str) -> set[str]:
    """The steps that changed."""
    changed = set()
    for layer, own in layers(host, config).items():
        done = host.run(layer, own, {**SECRETS, **secrets})
        assert done.returncode == 0, done.stderr
        changed |= {line.split()[2] for line in done.stderr.splitlines() if " changed " in line or " undo " in line}
    return changed


def refused(host: LabHost, config: Orchestra, **secrets: str) -> str:
    """What is said when it cannot be made so."""
    said = ""
    for layer, own in layers(host, config).items():
        done = host.run(layer, own, {**SECRETS, **secrets})
        said += done.stderr if done.returncode else ""
    assert said
    return said


def sql(host: LabHost, text: str, database: str = "orchestra") -> list[str]:
    """As an administrator asks in a query tool."""
    return host.bash(f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database}", text).splitlines()


def rows(host: LabHost, database: str = "orchestra") -> list[str]:
    columns = 'name, "CPUJobs", "GPUJobs", "maxCPUJobs", "maxGPUJobs", "queueName"'
    return sql(host, f"SELECT {columns} FROM node ORDER BY 1;", database)  # noqa: S608 - constants


def logged_in(host: LabHost, email: str, password: str) -> str:
    """The status that the stand-in of pgAdmin gives a login."""
    ask = """python3 -c 'import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen("http://127.0.0.1:15432/login", sys.stdin.buffer.read(), timeout=9).status)
except urllib.error.HTTPError as error:
    print(error.code)'"""
    return host.bash(ask, f"{email}\n{password}\n").strip()


def of_pgadmin(host: LabHost, text: str) -> str:
    """What pgAdmin's settings database says."""
    program = """import sqlite3, sys
with sqlite3.connect("/var/lib/orchestra-pgadmin/pgadmin4.db") as there:
    print(there.execute(sys.stdin.read()).fetchall())"""
    return host.bash(f"python3 -c '{program}'", text).strip()


def until(host: LabHost, what: str) -> None:
    host.bash(f"for i in $(seq 300); do if {what}; then exit 0; fi; sleep 0.5; done; exit 1")
