"""A site with Orchestra on one emulated host, and what an administrator asks of it."""

from typing import Any

from components.host.config import Host
from components.hostrun.step import Step
from components.platforms.orchestra import steps
from components.platforms.orchestra.config import Orchestra
from lab.parts.orchestra import depot
from tests.scripts.lab_host import LabHost

PASSWORD = "s3cret: a\\'%b".replace(" ", "_")
SECRETS = {"orchestraDatabase": PASSWORD}
LEFT = (
    *("/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/.pwd.lock", "/etc/subuid", "/etc/subgid"),
    "perl-base:amd64",
)
"""Debian deletes no user of a package. Its perl wants a base of its own version: what a package needs is not undone."""
NODES = {"node02": {"cpu": 2}, "node03": {"cpu": 1, "maxCpu": 20, "queue": "cern"}}


def wanted(host: LabHost, **more: Any) -> Orchestra:
    database = {"passwordSecret": "orchestraDatabase", **more.pop("database", {})}
    base = {
        "kind": "orchestra",
        "host": host.machine.name,
        "source": {"archive": {"url": depot.URL, "sha256": depot.sha256()}},
        "index": depot.INDEX,
        "nodes": NODES,
        "database": database,
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


def rows(host: LabHost) -> list[str]:
    return sql(host, 'SELECT name, "CPUJobs", "GPUJobs", "maxCPUJobs", "maxGPUJobs", "queueName" FROM node ORDER BY 1;')


def until(host: LabHost, what: str) -> None:
    host.bash(f"for i in $(seq 300); do if {what}; then exit 0; fi; sleep 0.5; done; exit 1")
