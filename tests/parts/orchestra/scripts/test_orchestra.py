"""Orchestra by its steps on an emulated host: installed, edited, drifted, mended, restored, gone and there again.

PostgreSQL, pip and systemd are real; Orchestra is the lab's stand-in, with the documented names of tables, columns and
scripts. Not proven here: upstream's own code, jobs in Kubernetes, a database on another host.
"""

from typing import Any

import pytest

from components.host.config import Host
from components.hostrun.step import Step
from components.platforms.orchestra import steps
from components.platforms.orchestra.config import Orchestra
from lab.parts.orchestra import depot
from tests.scripts.lab_host import LabHost

pytestmark = [pytest.mark.lab, pytest.mark.row("T1", "T2", "T3", "T4")]

PASSWORD = "s3cret: a\\'%b".replace(" ", "_")
SECRETS = {"orchestraDatabase": PASSWORD}
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
