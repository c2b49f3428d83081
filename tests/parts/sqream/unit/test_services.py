"""SQream's services as data. Does not prove: that they run (tests/parts/sqream/scripts/test_services.py does)."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.host.config import Host
from components.hostrun.step import Step
from components.platforms.sqream import services
from components.platforms.sqream.config import Sqream

PACKAGE = "sqream_installer-2.0.5-DB2020.3-CO1.7.6-ED4.0.0-x86_64"


def site(**more: Any) -> Sqream:
    values = {
        "kind": "sqream",
        "host": "db-1",
        "installer": {"package": PACKAGE, "file": "/srv/sqream.tar.gz", "sha256": "0" * 64},
        "licenseSecret": "license",
        "folders": {"storage": "/srv/sqreamdb"},
        "workers": [{"gpu": 0}, {"gpu": 1, "count": 2, "spoolGb": 50, "settings": {"limitQueryMemoryGB": 8}}],
    }
    return Sqream.model_validate({**values, **more})


def hosts(**states: str) -> dict[str, Host]:
    values = {"hostKey": "ssh-ed25519 AAAA"}
    return {
        name: Host.model_validate(
            {**values, "name": name, "address": f"10.0.0.{i}", "state": states.get(name, "active")}
        )
        for i, name in enumerate(("db-1", "db-2", "db-3"), 1)
    }


def made(config: Sqream, host: str = "db-1") -> dict[str, Step]:
    return {step.id: step for step in services.services(config, hosts()[host], hosts())}


def commands(steps: dict[str, Step]) -> list[str]:
    return [step.inputs["command"] for step in steps.values() if "command" in step.inputs]


@pytest.mark.row("Q6")
def test_master_then_workers_one_after_another_then_studio() -> None:
    steps = made(site())
    assert commands(steps) == [
        "master --start",
        "worker --start 1 -g 0 -p 5000",
        "worker --start 1 -g 1 -p 5001 -m 50 -j /etc/sqream/gpu-metal-worker-5001.json",
        "worker --start 1 -g 1 -p 5002 -m 50 -j /etc/sqream/gpu-metal-worker-5002.json",
        "studio --start",
    ]
    unit = "gpu-metal-sqream-{}.service".format
    after = [step.inputs.get("after", "").split() for step in steps.values() if "command" in step.inputs]
    assert after == [
        [],
        [unit("master")],
        [unit("master"), unit("worker-5000")],
        [unit("master"), unit("worker-5001")],
        [unit("master"), unit("worker-5002")],
    ]
    assert list(steps)[-1] == "sqream_status"
    assert steps["sqream_status"].inputs["ports"] == "3105 3108 8080 5000 5001 5002"


@pytest.mark.row("Q6")
def test_settings_are_a_file_and_the_gpu_is_compared() -> None:
    steps = made(site())
    worker = steps["sqream_service#worker-5001"]
    assert json.loads(worker.bulk["settings"]) == {"limitQueryMemoryGB": 8}
    assert worker.inputs["gpu"] == "1"
    assert not steps["sqream_service#worker-5000"].bulk
    assert "config" not in steps["sqream_service#worker-5000"].inputs


@pytest.mark.row("Q6")
def test_ports_that_are_not_the_consoles_own_are_given_to_it() -> None:
    config = site(metadataPort=4105, pickerPort=4108, studio=False, workerHosts={"db-2": {"workers": [{"gpu": 3}]}})
    steps = made(config)
    assert commands(steps)[0] == "master --start -p 4108 -m 4105"
    assert (steps["sqream_service#master"].inputs["port"], steps["sqream_service#master"].inputs["also"]) == (
        "4108",
        "4105",
    )
    assert "sqream_service#studio" not in steps
    assert commands(made(config, "db-2")) == ["worker --start 1 -g 3 -p 5000 --master-host 10.0.0.1 --master-port 4105"]


@pytest.mark.row("Q6")
def test_a_host_with_workers_only_has_no_master_to_wait_for() -> None:
    steps = made(site(workerHosts={"db-2": {"workers": [{"gpu": 0}, {"gpu": 1}]}}), "db-2")
    assert list(steps) == ["sqream_service#worker-5000", "sqream_service#worker-5001", "sqream_status"]
    assert "after" not in steps["sqream_service#worker-5000"].inputs
    assert steps["sqream_service#worker-5001"].inputs["after"] == "gpu-metal-sqream-worker-5000.service"


@pytest.mark.row("Q8")
def test_an_upgrade_knows_what_the_site_agrees_to() -> None:
    config = site(metadataChange="2020.3", window="Sun 02:00-04:00", workerHosts={"db-2": {"workers": [{"gpu": 0}]}})
    found = {step.id: step for step in services.upgrade(config, hosts()["db-1"])}
    assert list(found) == ["packages#terminal", "sqream_program", "sqream_upgrade"]
    inputs = found["sqream_upgrade"].inputs
    assert (inputs["database"], inputs["console"], inputs["editor"]) == ("2020.3", "1.7.6", "4.0.0")
    assert (inputs["metadata_change"], inputs["window"]) == ("2020.3", "Sun 02:00-04:00")
    assert (inputs["master"], inputs["others"]) == ("yes", "db-2")
    on_worker = services.upgrade(config, hosts()["db-2"])[-1].inputs
    assert on_worker["master"] == "no"
    assert "others" not in on_worker
    program = Path(services.__file__).with_name("program.sh").read_text()
    assert found["sqream_program"].bulk["program"] == program


@pytest.mark.row("Q8")
def test_only_other_hosts_that_are_there_stand_aside() -> None:
    others = {"db-2": {"workers": [{"gpu": 0}]}, "db-3": {"workers": [{"gpu": 0}]}}
    assert set(services.before(site(workerHosts=others), hosts(**{"db-2": "gone"}))) == {"db-1"}
    assert services.before(site(workerHosts=others), hosts(**{"db-2": "gone", "db-3": "gone"})) == {}
    assert services.before(site(), hosts()) == {}
    assert services.before(site(workerHosts=others, handOver=True), hosts()) == {}


@pytest.mark.row("Q9")
def test_handing_over_leaves_no_service() -> None:
    config = site(handOver=True)
    assert services.upgrade(config, hosts()["db-1"]) == []
    assert {id_: dict(step.inputs) for id_, step in made(config).items()} == {
        "sqream_hand_over": {"user": "sqream", "storage": "/srv/sqreamdb"}
    }
