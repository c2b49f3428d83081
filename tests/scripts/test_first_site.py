"""The first hour with a real host over SSH: init, validate, facts, preflight; nothing of it changes the host.

Does not prove: the GPUs of real metal, which tests/scripts/test_facts.py only has samples of.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lab import paths
from lab.hosts import gpus, inventory
from ops.cli import app
from tests.scripts.lab_host import LabHost

pytestmark = pytest.mark.lab


def sitectl(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "-C", str(folder)])


def answer(folder: Path, *words: str) -> Any:
    return json.loads(sitectl(folder, *words, "-s", "rack", "--json").stdout)


@pytest.fixture(scope="module")
def rack(spare: LabHost, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the site that init wrote; the host's key was compared at its console, which the lab is."""
    folder, machine = tmp_path_factory.mktemp("rack"), spare.machine
    init(folder, machine)
    return folder


def init(folder: Path, machine: inventory.Host) -> None:
    known = [
        line for line in (paths.LAB / "known_hosts").read_text().splitlines() if machine.address in line.split()[0]
    ]
    assert known
    (folder / "known_hosts.rack").write_text("\n".join(known) + "\n")
    login = ("--user", inventory.USER, "--key-file", str(paths.LAB / "id_ed25519"))
    done = sitectl(folder, "init", "rack", f"{machine.name}={machine.address}", *login, "--yes")
    assert done.exit_code == 0, done.output


@pytest.mark.row("H1")
def test_a_site_from_an_address_is_good(rack: Path, spare: LabHost) -> None:
    assert answer(rack, "validate")["hosts"] == [spare.machine.name]
    assert (
        f"os: {spare.bash('. /etc/os-release; echo -n $ID-$VERSION_ID')}\n" in (rack / "Pulumi.rack.yaml").read_text()
    )


def test_facts_are_those_of_the_host(rack: Path, spare: LabHost) -> None:
    facts = answer(rack, "facts")[spare.machine.name]
    assert facts["boot_id"] == spare.bash("cat /proc/sys/kernel/random/boot_id").strip()
    nic = next(one for one in facts["nics"] if any(spare.machine.address in own for own in one["addresses"]))
    assert nic["mac"] == spare.bash(f"cat /sys/class/net/{nic['name']}/address").strip()
    assert (nic["mtu"], facts["package_manager"], facts["systemd"]) == (1500, "apt-get", "running")
    assert facts["cpu"]["threads"] == facts["cpus"]


@pytest.mark.row("H16")
def test_preflight_is_one_report_of_all_as_json_and_changes_nothing(rack: Path, spare: LabHost) -> None:
    before = spare.snapshot()
    found = answer(rack, "preflight")
    assert set(found) == {"ok", "site", "time", "checks", "failures"}
    assert {"id", "host", "status", "saw", "want", "fix"} == set.union(*(set(check) for check in found["checks"]))
    ids = {check["id"] for check in found["checks"]}
    assert {"reachable", "root", "systemd", "os", "architecture", "cpus", "memory", "disk", "writable"} <= ids
    assert {check["host"] for check in found["checks"]} == {spare.machine.name}
    assert set(found["failures"]) == {c["id"] for c in found["checks"] if c["status"] in {"failed", "unknown"}}
    assert all(check["fix"] for check in found["checks"] if check["status"] == "failed")
    assert spare.snapshot() == before


@pytest.mark.row("G1", "G6")
@pytest.mark.parametrize(
    ("profile", "driver", "model"),
    [
        ("8 dgx-a100", None, "A100-SXM4-80GB"),
        ("8 dgx-h100", "570.172.08", "H100-80GB-HBM3"),
        ("2 workstation", gpus.DRIVER, "RTX-A6000"),
    ],
)
def test_gpus_that_init_finds_are_those_that_preflight_wants(
    spare: LabHost, tmp_path: Path, profile: str, driver: str | None, model: str
) -> None:
    gpus.fit(spare.machine, profile, driver)
    init(tmp_path, spare.machine)
    count = int(profile[0])
    assert f"gpu: {{model: {model}, count: {count}}}" in (tmp_path / "Pulumi.rack.yaml").read_text()
    found = answer(tmp_path, "facts")[spare.machine.name]["gpus"]
    assert (found["count"], found["driver"], found["driver_says"]) == (count, driver, None)
    assert found["nvswitches"] == {"8 dgx-a100": 6, "8 dgx-h100": 4, "2 workstation": 0}[profile]
    assert len({device["uuid"] for device in found["devices"]}) == (count if driver else 1)
    asked = {check["id"]: check["status"] for check in answer(tmp_path, "preflight")["checks"]}
    assert asked["gpus"] == "ok"
