"""An emulated host with GPUs, Docker and the stand-in of SQream's package, for tests of what runs there."""

import base64
import time
from typing import Any

from components.engine import steps as engine
from components.engine.config import Docker
from components.host.config import Host
from components.platforms.sqream import steps
from components.platforms.sqream.config import Sqream
from components.platforms.sqream.prepare import prepare
from lab.parts.sqream import depot as sqream
from tests.scripts.frozen import Recipe
from tests.scripts.lab_host import LabHost

TUNED = {"gpu": 2, "settings": {"limitQueryMemoryGB": 8}}
WORKERS = [{"gpu": 0}, {"gpu": 1, "count": 2, "spoolGb": 2}, TUNED]
LICENSE = base64.b64encode(sqream.license_package(workers=16)).decode()


def package(name: str) -> dict[str, str]:
    """As the site has it in `installer`."""
    return {"package": name, "url": sqream.url(name), "sha256": sqream.sha256(name)}


def config(**more: Any) -> Sqream:
    values = {
        "kind": "sqream",
        "host": "db-1",
        "installer": package(sqream.FIRST),
        "licenseSecret": "license",
        "folders": {"storage": "/srv/sqreamdb"},
    }
    return Sqream.model_validate({**values, **more})


def machine(host: LabHost) -> Host:
    gpu = {"model": "A100-SXM4-80GB", "count": 8}
    values = {"name": "db-1", "address": host.machine.address, "hostKey": "ssh-ed25519 AAAA", "gpu": gpu}
    return prepare(config(), Host.model_validate(values))


DOCKER = Recipe(
    "Docker with a runtime for GPUs, and SQream's user",
    {
        "engine": engine.engine(
            Docker.model_validate(
                {"kind": "docker", "package": "docker.io", "cgroupDriver": "cgroupfs", "users": ["sqream"]}
            ),
            extra={"runtimes": {"nvidia": {"path": "/usr/bin/runc"}}},
        )
    },
    gpus="8 dgx-a100",
    driver="580.95.05",
    script="useradd -m -U sqream",
)


def applied(host: LabHost, of: Sqream) -> dict[str, str]:
    """`changed` or `unchanged` for each step of both layers."""
    found: dict[str, str] = {}
    for wave in steps.waves(of, {"db-1": machine(host)}):
        found |= host.apply(wave.layer, wave.steps["db-1"], {"license": LICENSE})
    return found


def refused(host: LabHost, of: Sqream) -> str:
    """What the first layer that fails says."""
    for wave in steps.waves(of, {"db-1": machine(host)}):
        done = host.run(wave.layer, wave.steps["db-1"], {"license": LICENSE})
        if done.returncode:
            return done.stderr
    raise AssertionError("nothing failed")


def settled(host: LabHost) -> None:
    """Once systemd has started again what ended, all holds."""
    ends = time.monotonic() + 600
    while (seen := host.check()) and time.monotonic() < ends:
        time.sleep(2)
    assert seen == {}


def running(host: LabHost) -> dict[int, str]:
    """Containers by the first port of each."""
    lines = host.bash("docker ps --filter name=^sqream_ --format '{{.ID}} {{.Ports}}'").splitlines()
    return {int(line.split(":")[1].split("-")[0]): line.split()[0] for line in lines}


def version(host: LabHost) -> set[str]:
    """Of master and workers."""
    return set(host.bash("docker ps --filter name=^sqream_single --format '{{.Image}}'").split())
