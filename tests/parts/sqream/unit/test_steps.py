"""Which steps, ports and host settings SQream gets from the site; tests/scripts proves that steps do what they say."""

from pathlib import Path
from typing import Any

import pytest

from components.host.config import Host
from components.host.machine_steps import accounts, limits, locale, preflight, services, sysctl, target, tuned
from components.hostrun.step import Step
from components.platforms.sqream import ports
from components.platforms.sqream.config import Sqream, Worker
from components.platforms.sqream.part import PART
from components.platforms.sqream.prepare import LIMITS, SERVICES_OFF, SYSCTL
from stacks.checks import notes
from stacks.load import load_site

assert PART.host
HALF = PART.host

GOOD = Path(__file__).parents[1] / "good"
PACKAGE = "sqream_installer-1.1.5-DB2019.2.1-CO1.5.4-ED3.0.0-x86_64"
CONFIG = {
    "kind": "sqream",
    "host": "db-1",
    "installer": {"package": PACKAGE, "file": f"/srv/{PACKAGE}.tar.gz", "sha256": "a" * 64},
    "licenseSecret": "sqreamLicense",
    "folders": {"storage": "/media/sqreamdb", "ingest": "/media/sqreamdb/data_in"},
    "workers": [{"gpu": 0}, {"gpu": 1}],
}
OTHERS = {"db-2": {"workers": [{"gpu": 0}]}, "db-3": {"workers": [{"gpu": 0}]}}
HADOOP = {
    "coreSite": str(GOOD / "files" / "core-site.xml"),
    "hdfsSite": str(GOOD / "files" / "hdfs-site.xml"),
    "krb5": str(GOOD / "files" / "krb5.conf"),
    "keytabSecret": "keytab",
    "principal": "nn1@SQ.COM",
    "kdc": "kdc.sq.com:192.168.1.111",
}


def site(**more: dict[str, Any]) -> dict[str, Host]:
    base = {"hostKey": "ssh-ed25519 AAAA", "gpu": {"model": "V100-SXM2-16GB", "count": 2}}
    named: dict[str, dict[str, Any]] = {"db-1": {}, "db-2": {}, "db-3": {}, **more}
    return {
        name: Host.model_validate({"name": name, "address": f"10.3.0.{number}", **base, **values})
        for number, (name, values) in enumerate(named.items(), 1)
    }


def sqream(**values: Any) -> Sqream:
    return Sqream.model_validate({**CONFIG, **values})


def waves(config: Sqream, hosts: dict[str, Host] | None = None) -> list[tuple[str, list[str]]]:
    return [(wave.layer, list(wave.steps)) for wave in HALF.waves(config, hosts or site())]


def of_host(name: str, config: Sqream, hosts: dict[str, Host] | None = None) -> dict[str, dict[str, Step]]:
    """Steps by their id, by layer."""
    made = [wave for wave in HALF.waves(config, hosts or site()) if name in wave.steps]
    return {wave.layer: {step.id: step for step in wave.steps[name]} for wave in made}


@pytest.mark.row("Q2", "Q6")
def test_every_host_is_ready_before_anything_is_installed_and_the_master_runs_before_other_workers() -> None:
    assert waves(sqream(workers=())) == [("sqream", ["db-1"]), ("sqream-run", ["db-1"])]
    assert waves(sqream(handOver=True)) == [("sqream", ["db-1"]), ("sqream-run", ["db-1"])]
    assert waves(sqream(workerHosts=OTHERS)) == [
        ("sqream", ["db-1", "db-2", "db-3"]),
        ("sqream-run", ["db-1"]),
        ("sqream-run", ["db-2", "db-3"]),
        ("sqream-query", ["db-1"]),
    ]
    query = of_host("db-1", sqream(pickerPort=3200))["sqream-query"]["sqream_query"]
    assert query.inputs == {"port": "3200"}


@pytest.mark.row("Q1")
def test_the_platforms_user_is_asked_about_where_others_made_it() -> None:
    host = HALF.prepare(sqream(), site()["db-1"], site())
    [adopted] = [step for step in preflight(host) if step.id == "account_adopted"]
    assert adopted.inputs == {"password": "sqream", "sudo": "sqream"}


def test_a_worker_host_more_changes_no_step_of_the_ready_layer_elsewhere() -> None:
    assert of_host("db-1", sqream())["sqream"] == of_host("db-1", sqream(workerHosts=OTHERS))["sqream"]


def test_a_host_that_is_gone_keeps_its_layers() -> None:
    hosts = site(**{"db-3": {"state": "gone"}})
    assert HALF.uses(sqream(workerHosts=OTHERS), hosts) == ("db-1", "db-2", "db-3")
    assert waves(sqream(workerHosts=OTHERS), hosts)[-2] == ("sqream-run", ["db-2", "db-3"])
    network = HALF.preflight(sqream(workerHosts=OTHERS), hosts["db-1"], hosts)[1]
    assert network.inputs == {"hosts": "db-1=10.3.0.1 db-2=10.3.0.2"}


@pytest.mark.row("Q2", "Q3", "Q4")
def test_folders_package_licence_and_hadoop_come_before_the_installation() -> None:
    layers = of_host("db-1", sqream(hadoop=HADOOP, metadataChange="2019.2.1"))
    assert [step for step in layers["sqream"] if not step.startswith("packages")] == [
        "sqream_network",
        "sqream_folders",
        "sqream_package",
        "sqream_license",
        "sqream_hadoop",
    ]
    ready, run = layers["sqream"], layers["sqream-run"]
    assert ready["sqream_package"].inputs == {
        "user": "sqream",
        "package": PACKAGE,
        "file": f"/srv/{PACKAGE}.tar.gz",
        "sha256": "a" * 64,
    }
    assert ready["sqream_license"].secrets == {"license": "sqreamLicense"}
    assert ready["sqream_hadoop"].secrets == {"keytab": "keytab"}
    assert set(ready["sqream_hadoop"].bulk) == {"core_site", "hdfs_site", "krb5"}
    install = run["sqream_install"].inputs
    assert (install["database"], install["console"], install["editor"]) == ("2019.2.1", "1.5.4", "3.0.0")
    assert (install["gpus"], install["workers"], install["cuda"]) == ("2", "2", "10.1")
    assert "window" not in install
    windowed = of_host("db-1", sqream(window="Sun 02:00-04:00"))["sqream-run"]["sqream_install"]
    assert windowed.inputs["window"] == "Sun 02:00-04:00"
    assert (install["principal"], install["kdc"]) == ("nn1@SQ.COM", "kdc.sq.com:192.168.1.111")
    order = list(run)
    assert order.index("sqream_upgrade") < order.index("sqream_install") < order.index("sqream_status")


@pytest.mark.row("Q1")
def test_the_ingest_folder_below_the_storage_is_the_installers_to_make() -> None:
    layers = of_host("db-1", sqream())
    assert "ingest" not in layers["sqream"]["sqream_folders"].inputs
    assert layers["sqream-run"]["sqream_folders#ingest"].inputs["ingest"] == "/media/sqreamdb/data_in"
    apart = of_host("db-1", sqream(folders={"storage": "/media/sqreamdb", "ingest": "/media/sqreamdb2"}))
    assert apart["sqream"]["sqream_folders"].inputs["ingest"] == "/media/sqreamdb2"
    assert "sqream_folders#ingest" not in apart["sqream-run"]


@pytest.mark.row("Q2")
def test_only_the_masters_host_may_empty_folders_which_others_may_share() -> None:
    config = sqream(workerHosts=OTHERS, overwrite="yes-lose-data")
    assert of_host("db-1", config)["sqream-run"]["sqream_install"].inputs["overwrite"] == "yes-lose-data"
    assert "overwrite" not in of_host("db-2", config)["sqream-run"]["sqream_install"].inputs
    assert "overwrite" not in of_host("db-1", sqream())["sqream-run"]["sqream_install"].inputs


@pytest.mark.row("Q6")
def test_workers_have_ports_of_their_own_in_order() -> None:
    entries = [Worker.model_validate(each) for each in ({"gpu": 0, "count": 2}, {"gpu": 1, "port": 5002}, {"gpu": 1})]
    assert ports.of_workers(5000, entries) == ((5000, 5001), (5002,), (5003,))
    assert ports.of_workers(5002, entries) == ((5003, 5004), (5002,), (5005,))


@pytest.mark.row("Q6")
def test_studio_is_where_its_package_puts_it() -> None:
    newer = {**CONFIG["installer"], "package": PACKAGE.replace("ED3.0.0", "ED4.0.0")}  # type: ignore[dict-item]
    assert ports.studio(sqream()) == 3000
    assert ports.studio(sqream(installer=newer, studioPort=9000)) == 8080
    assert ports.studio(sqream(studioPort=9000)) == 9000


@pytest.mark.row("Q6")
def test_the_firewall_lets_clients_in_and_other_hosts_to_the_metadata() -> None:
    hosts = site()
    config = sqream(workerHosts=OTHERS, workers=[{"gpu": 0, "count": 2}, {"gpu": 1, "port": 7000}])
    head = {each.name: (each.port, each.sources) for each in HALF.listening(config, hosts["db-1"], hosts)}
    assert head == {
        "sqream-metadata": ("3105", "site"),
        "sqream-picker": ("3108", "any"),
        "sqream-studio": ("3000", "any"),
        "sqream-worker-5000-5001": ("5000-5001", "any"),
        "sqream-worker-7000": ("7000", "any"),
    }
    other = {each.name: each.port for each in HALF.listening(config, hosts["db-2"], hosts)}
    assert other == {"sqream-worker-5000": "5000"}


@pytest.mark.row("Q5", "Q6")
def test_preflight_asks_for_the_file_the_networks_the_ports_and_the_memory() -> None:
    hosts = site()
    config = sqream(workers=[{"gpu": 0, "count": 2, "spoolGb": 50}, {"gpu": 1}])
    made = {step.id: step.inputs for step in HALF.preflight(config, hosts["db-1"], hosts)}
    assert made["artefact#sqream"]["file"] == f"/srv/{PACKAGE}.tar.gz"
    assert made["sqream_ports"] == {"ports": "3105 3108 3000 5000 5001 5002", "layer": "sqream-run"}
    assert made["sqream_fits"] == {"architecture": "x86_64", "spools": "100"}


@pytest.mark.row("Q1")
def test_a_host_is_prepared_as_the_guide_says() -> None:
    host = HALF.prepare(sqream(), site()["db-1"], site())
    assert [step.id for step in accounts(host)] == ["account#sqream", "account_sudo#sqream"]
    assert [step.inputs for step in locale(host)] == [{"name": "en_US.UTF-8"}]
    assert tuned(host)[-1].inputs == {"profile": "throughput-performance"}
    assert target(host)[0].inputs == {"name": "multi-user"}
    assert limits(host)[0].inputs == {name: str(value) for name, value in sorted(LIMITS.items())} | {
        "login": host.ssh.user
    }
    assert sysctl(host)[0].inputs == SYSCTL
    assert services(host)[0].inputs == {"units": " ".join(SERVICES_OFF)}
    assert host.gpu is not None
    assert host.gpu.toolkit is not None
    assert HALF.docker_users(sqream()) == ("sqream",)


@pytest.mark.row("Q1")
def test_what_the_site_says_of_a_host_stands() -> None:
    said: dict[str, Any] = {
        "accounts": {"sqream": {"uid": 4000}},
        "limits": {"nofile": 1000000},
        "sysctl": {"vm.swappiness": "1"},
        **{"locale": "C.UTF-8", "tuned": None, "target": None, "servicesOff": []},
        "gpu": {"model": "V100-SXM2-16GB", "count": 2, "toolkit": {"mode": "legacy"}},
    }
    host = HALF.prepare(sqream(), site(**{"db-1": said})["db-1"], site())
    assert host.accounts["sqream"].uid == 4000
    assert host.limits == {**LIMITS, "nofile": 1000000}
    assert host.sysctl == {**SYSCTL, "vm.swappiness": "1"}
    assert (host.locale, host.tuned, host.target, host.services_off) == ("C.UTF-8", None, None, ())
    assert host.gpu is not None
    assert host.gpu.toolkit is not None
    assert host.gpu.toolkit.mode == "legacy"


def test_the_samples_notes_say_what_the_guide_does_not_cover(tmp_path: Path) -> None:
    text = (GOOD / "hosts.yaml").read_text().replace("files/", f"{GOOD}/files/")
    (tmp_path / "Pulumi.lab.yaml").write_text(
        text.replace("studio: false", "overwrite: yes-lose-data").replace(
            'metadataChange: "2020.3"', 'metadataChange: "1"'
        )
    )
    found = notes(load_site("lab", tmp_path, keys=False))
    assert [note.partition(":")[0] for note in found if note.startswith("platforms")] == [
        "platforms[0].overwrite",
        "platforms[0].workerHosts",
        "platforms[0].metadataChange",
    ]
    system = "ubuntu-22.04 with sqream 2020.3 is not in the compatibility matrix, which knows rhel-8."
    assert f"hosts.db-1.os and 2 more: {system}" in found
