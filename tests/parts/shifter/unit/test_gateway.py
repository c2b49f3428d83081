"""The image gateway's steps, from the site's words. Not proven here: what they do on a host (tests/scripts)."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.host.config import Host
from components.hostrun.step import Step
from components.platforms.shifter import gateway
from components.platforms.shifter.config import Shifter

pytestmark = pytest.mark.row("F5")

HOST = Host.model_validate({"name": "head", "address": "10.0.0.9", "hostKey": "ssh-ed25519 AAAA"})
HOSTS = {"head": HOST}
DIGEST = "a" * 64


def shifter(values: dict[str, Any] | None = None, version: str = "22.02.1", **of_gateway: Any) -> Shifter:
    base = {
        "kind": "shifter",
        "system": "greina",
        "source": {"version": version, "archive": {"file": "/srv/shifter.tar.gz", "sha256": DIGEST}},
        "gateway": {"host": "head", **of_gateway},
        "runtimes": ["head"],
        "images": {"path": "/scratch/images"},
        "mungeSecret": "munge",
    }
    return Shifter.model_validate({**base, **(values or {})})


def made(config: Shifter, host: Host = HOST) -> dict[str, Step]:
    return {step.id: step for step in gateway.steps(config, host, HOSTS)}


def test_everything_stands_on_what_came_before() -> None:
    assert list(made(shifter())) == [
        "imagegw_expand",
        "mongodb_source",
        "packages#mongodb",
        "mongodb_service",
        "packages#imagegw",
        "imagegw_folders",
        "imagegw_code",
        "imagegw_environment",
        "imagegw_config",
        "imagegw_service",
    ]


def test_the_settings_are_the_documents() -> None:
    settings = gateway.manager(shifter(also=["daint"]))
    assert settings["CacheDirectory"] == "/scratch/images/cache/"
    assert settings["ExpandDirectory"] == "/var/shifter/expand/"
    assert settings["MongoDBURI"] == gateway.LOCAL_DATABASE
    assert settings["DefaultImageLocation"] == "registry-1.docker.io"
    platforms: Any = settings["Platforms"]
    assert list(platforms) == ["greina", "daint"]
    assert platforms["greina"]["local"] == {"imageDir": "/scratch/images"}
    assert "use_external" not in platforms["greina"]
    assert "Broker" not in settings


def test_a_site_has_registries_and_further_keys_of_its_own() -> None:
    locations = {"10.0.0.1:5000": {"url": "http://10.0.0.1:5000"}, "hub.example.org": {"sslcacert": "/etc/ca.pem"}}
    settings = gateway.manager(shifter(locations=locations, more={"Metrics": True, "PullUpdateTimeout": 60}))
    assert settings["DefaultImageLocation"] == "10.0.0.1:5000"
    assert settings["Locations"] == {
        "10.0.0.1:5000": {"remotetype": "dockerv2", "authentication": "http", "url": "http://10.0.0.1:5000"},
        "hub.example.org": {"remotetype": "dockerv2", "authentication": "http", "sslcacert": "/etc/ca.pem"},
    }
    assert (settings["Metrics"], settings["PullUpdateTimeout"]) == (True, 60)


def test_a_database_elsewhere_is_a_secret_and_brings_no_package() -> None:
    steps = made(shifter(mongodb={"uriSecret": "database"}))
    assert not {"mongodb_source", "packages#mongodb", "mongodb_service"} & set(steps)
    assert steps["imagegw_config"].secrets == {"uri": "database"}
    assert steps["imagegw_config"].inputs["database"] == "elsewhere"
    assert steps["imagegw_service"].inputs["after"] == ""
    own = made(shifter())
    assert own["imagegw_config"].secrets == {}
    assert own["imagegw_service"].inputs["after"] == "mongod.service"
    assert json.loads(own["imagegw_config"].bulk["settings"])["MongoDBURI"] == gateway.LOCAL_DATABASE


@pytest.mark.parametrize(("version", "celery"), [("16.08.5", True), ("18.03", False), ("22.02.1", False)])
def test_redis_and_workers_are_for_versions_before_18_03(version: str, celery: bool) -> None:
    config = shifter(version=version, also=["daint"])
    steps = made(config)
    assert ({"packages#redis", "imagegw_redis", "imagegw_workers"} <= set(steps)) is celery
    assert ("Broker" in gateway.manager(config)) is celery
    if celery:
        assert steps["imagegw_workers"].inputs["systems"] == "greina daint"


def test_pulling_by_other_tools_brings_them() -> None:
    config = shifter(external=True)
    assert made(config)["packages#imagegw"].inputs["names"] == "@squashfs @curl @venv skopeo umoci"
    platforms: Any = gateway.manager(config)["Platforms"]
    assert platforms["greina"]["use_external"] is True


def test_an_old_interpreter_has_its_environment_from_virtualenv() -> None:
    assert made(shifter(python="/usr/bin/python2.7"))["packages#imagegw"].inputs["names"].endswith("@virtualenv")


def test_requirements_of_the_site_travel_with_the_step(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("pymongo==4.1\nsanic==23.12.2\n")
    own = made(shifter(requirements=str(file), index="http://10.0.0.1/simple/"))["imagegw_environment"]
    assert own.bulk == {"requirements": "pymongo==4.1\nsanic==23.12.2\n"}
    assert (own.inputs["own"], own.inputs["index"]) == ("yes", "http://10.0.0.1/simple/")
    assert made(shifter())["imagegw_environment"].bulk == {}


def test_it_listens_as_its_host_is_addressed() -> None:
    assert made(shifter())["imagegw_service"].inputs["listen"] == "0.0.0.0"  # noqa: S104
    host = Host.model_validate({"name": "head", "address": "fd00::9", "hostKey": "ssh-ed25519 AAAA"})
    assert made(shifter(), host)["imagegw_service"].inputs["listen"] == "::"


def test_preflight_asks_for_the_port_and_where_images_are_expanded() -> None:
    folder, port = gateway.checks(shifter(), HOST, HOSTS)
    assert folder.inputs == {"expand": "/var/shifter/expand", "shared": "no"}
    assert port.inputs == {"port": "5000"}
    known = shifter({"images": {"path": "/scratch/images", "sharedExpand": True}})
    assert gateway.checks(known, HOST, HOSTS)[0].inputs["shared"] == "yes"


@pytest.mark.row("F2")
def test_every_runtime_asks_the_gateway_for_the_systems_own_name() -> None:
    asked = gateway.reachable(shifter(), HOSTS)[-1]
    assert asked.inputs == {"urls": "http://10.0.0.9:5000", "system": "greina", "host": "head"}
