"""SQream's installation by its steps on an emulated host: folders, package, licence, Hadoop, networks and ports.

The package is the lab's stand-in, which does as the vendor's guide says. Not proven here: the vendor's own installer,
what runs of it (test_services.py), and a host of RHEL.
"""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from components.hostrun.step import Step
from components.platforms.sqream import steps
from components.platforms.sqream.config import Sqream
from lab.parts.sqream import depot as sqream
from tests.parts.sqream.scripts.host import machine
from tests.scripts.lab_host import LabHost, differences

pytestmark = pytest.mark.lab

HOME = "/home/sqream"
FOLDER = f"{HOME}/{sqream.FIRST}"
FOLDERS = {"storage": "/srv/sqreamdb", "ingest": "/srv/sqreamdb/data_in"}
LICENSE = base64.b64encode(sqream.license_package()).decode()
EXPIRED = base64.b64encode(sqream.license_package(expires="2020-01-01")).decode()
KEYTAB = base64.b64encode(b"\x05\x02" + b"\x00" * 40).decode()
OURS = ("sqream_network", "sqream_folders", "sqream_package", "sqream_license", "sqream_hadoop", "sqream_install")

RUNNERS = ("history", "kept", "log", "secrets")
"""The runner's own records, which stay until the host is left."""


def config(**more: Any) -> Sqream:
    package = sqream.FIRST
    values = {
        "kind": "sqream",
        "host": "db-1",
        "installer": {"package": package, "url": sqream.url(package), "sha256": sqream.sha256(package)},
        "licenseSecret": "license",
        "folders": FOLDERS,
        "workers": [{"gpu": 0}, {"gpu": 1}],
    }
    return Sqream.model_validate({**values, **more})


def layers(host: LabHost, of: Sqream) -> dict[str, list[Step]]:
    """Both layers as the site makes them, without what runs."""
    waves = steps.waves(of, {"db-1": machine(host)})
    return {
        wave.layer: [step for step in wave.steps["db-1"] if step.script.stem in OURS or step.id == "packages#sqream"]
        for wave in waves
    }


def made(host: LabHost, license: str = LICENSE, **more: Any) -> dict[str, str]:
    """`changed` or `unchanged` for each step of the two layers."""
    found: dict[str, str] = {}
    for layer, wanted in layers(host, config(**more)).items():
        found |= host.apply(layer, wanted, {"license": license, "keytab": KEYTAB})
    return found


def changed(host: LabHost, license: str = LICENSE, **more: Any) -> set[str]:
    """The steps that were not so before."""
    return {step for step, what in made(host, license, **more).items() if what == "changed"}


def refused(host: LabHost, license: str = LICENSE, **more: Any) -> str:
    """What the first layer that fails says."""
    for layer, wanted in layers(host, config(**more)).items():
        done = host.run(layer, wanted, {"license": license, "keytab": KEYTAB})
        if done.returncode:
            return done.stderr
    raise AssertionError("nothing failed")


@pytest.fixture(scope="module")
def host(docker: LabHost, before: Mapping[str, Any]) -> LabHost:  # noqa: ARG001
    """With the stand-in's first version."""
    made(docker)
    return docker


def settings(host: LabHost) -> dict[str, str]:
    text = host.bash(
        f"cd {FOLDER} && setpriv --reuid sqream --regid sqream --init-groups env HOME={HOME} ./sqream-install -s"
    )
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


@pytest.mark.row("Q1", "Q2", "Q3")
def test_one_run_installs_and_a_second_changes_nothing(host: LabHost) -> None:
    seen = settings(host)
    assert (seen["SQREAM_TAG"], seen["SQREAM_USER"], seen["LICENSE_VALID"]) == ("2019.2.1", "sqream", "true")
    assert (seen["SQREAM_VOLUME"], seen["SQREAM_DATA_INGEST"]) == (FOLDERS["storage"], FOLDERS["ingest"])
    assert changed(host) == set()
    assert host.check() == {}
    assert host.bash(f"stat -c %U {FOLDER}/sqream-install {FOLDER}/license/site.tar.gz") == "sqream\nsqream\n"
    for folder in (*FOLDERS.values(), "/etc/sqream", "/var/log/sqream"):
        host.bash(
            f"setpriv --reuid sqream --regid sqream --init-groups bash -c 'touch {folder}/mine && rm {folder}/mine'"
        )


@pytest.mark.row("Q2")
def test_a_wrong_checksum_is_refused_before_anything_is_unpacked(host: LabHost) -> None:
    installer = {"package": sqream.NEXT, "url": sqream.url(sqream.NEXT), "sha256": "0" * 64}
    said = refused(host, installer=installer)
    assert (
        f"The package {sqream.NEXT} has SHA-256 {sqream.sha256(sqream.NEXT)}, wants {'0' * 64}. It was not used."
        in said
    )
    assert host.bash(f"ls -A {HOME} | grep sqream_installer") == f"{sqream.FIRST}\n"
    assert changed(host) == set()


@pytest.mark.row("Q2")
def test_a_package_that_was_cut_is_unpacked_anew_and_keeps_the_licence(host: LabHost) -> None:
    host.bash(f"truncate -s 100 {FOLDER}/.docker/sqream-2019.2.1.tar; rm {FOLDER}/sqream-console")
    assert "has no sqream-console" in host.check()["sqream_package"][1]
    assert changed(host) == {"sqream_package"}
    assert host.check() == {}


@pytest.mark.row("Q3")
def test_a_licence_that_is_refused_leaves_the_good_one_loaded(host: LabHost) -> None:
    said = refused(host, EXPIRED)
    assert (
        "The site's licence is not valid: sqream-install: license expired on 2020-01-01. The previous one is loaded"
        in said
    )
    assert settings(host)["LICENSE_VALID"] == "true"
    longer = base64.b64encode(sqream.license_package(expires="2098-12-31", workers=8)).decode()
    assert changed(host, longer) == {"sqream_license", "sqream_install"}
    assert "license_worker_7" in settings(host)
    assert "is not a .tar.gz in base64. It was not used." in refused(host, "bm90IG9uZQ==")
    made(host, longer)
    logs = host.bash("cat /var/lib/gpu-metal/log/*/* /var/lib/gpu-metal/ledger/*; journalctl -o cat")
    assert longer not in logs


@pytest.mark.row("Q3", "Q6")
def test_a_licence_for_fewer_workers_is_said(host: LabHost) -> None:
    said = refused(host, workers=[{"gpu": 0, "count": 5}])
    assert "licence has 4 workers, the site wants 5 here" in said
    made(host)


@pytest.mark.row("Q4")
def test_hadoop_is_given_to_the_installer_and_taken_away(host: LabHost, tmp_path: Any) -> None:
    for name in ("core-site.xml", "hdfs-site.xml"):
        (tmp_path / name).write_text("<configuration/>\n")
    (tmp_path / "krb5.conf").write_text("[libdefaults]\n")
    hadoop = {
        "coreSite": str(tmp_path / "core-site.xml"),
        "hdfsSite": str(tmp_path / "hdfs-site.xml"),
        "krb5": str(tmp_path / "krb5.conf"),
        "keytabSecret": "keytab",
        "principal": "nn1@SQ.COM",
        "kdc": "kdc.sq.com:192.168.1.111",
    }
    assert changed(host, hadoop=hadoop) == {"sqream_hadoop", "sqream_install"}
    seen = settings(host)
    assert (seen["KRB5_USER"], seen["KRB5_SERVER"]) == ("nn1@SQ.COM", "kdc.sq.com:192.168.1.111")
    assert changed(host, hadoop=hadoop) == set()
    (tmp_path / "krb5.conf").write_text("[libdefaults]\nforwardable = true\n")
    assert changed(host, hadoop=hadoop) == {"sqream_hadoop", "sqream_install"}
    assert "forwardable" in host.bash(f"cat {HOME}/.sqream/krb5/krb5.conf")
    assert host.bash(f"stat -c '%a %U' {FOLDER}/.krb5/hdfs.keytab") == "600 sqream\n"
    made(host)
    assert host.bash(f"ls -A {FOLDER}/.hadoop {FOLDER}/.krb5 | grep -c site.xml || true") == "0\n"


@pytest.mark.row("Q1", "Q2")
def test_folders_are_neither_moved_nor_taken_from_others(host: LabHost) -> None:
    said = refused(host, folders={**FOLDERS, "storage": "/srv/elsewhere"})
    assert (
        "SQream is installed with SQREAM_VOLUME /srv/sqreamdb, the site wants /srv/elsewhere. Nothing was changed."
        in said
    )
    host.bash("install -d -o daemon -m 0700 /srv/theirs")
    said = refused(host, folders={**FOLDERS, "ingest": "/srv/theirs"})
    assert "has /srv/theirs of daemon:root, mode 700, where sqream cannot read and write. Fix: " in said
    host.bash("rmdir /srv/theirs")
    made(host, folders={**FOLDERS, "ingest": "/srv/more"})
    assert settings(host)["SQREAM_DATA_INGEST"] == "/srv/sqreamdb/data_in,/srv/more"
    made(host)


@pytest.mark.row("Q5")
def test_docker_networks_that_overlap_are_said(host: LabHost) -> None:
    [network] = [step for step in layers(host, config())["sqream"] if step.script.stem == "sqream_network"]
    assert host.questions([network]) == {}
    host.bash("ip link add lan0 type bridge; ip address add 172.17.9.9/24 dev lan0; ip link set lan0 up")
    said = host.questions([network])["sqream_network"]
    assert said.startswith(
        "has the network 172.17.9.0/24 on lan0, which overlaps Docker's network 172.17.0.0/16 (bridge)."
    )
    host.bash(
        "ip link delete lan0; docker network create --subnet 10.99.0.0/24 -o com.docker.network.bridge.name=apart apart"
    )
    assert host.questions([network]) == {}
    peers = Step(network.script, {"hosts": "db-1=10.0.0.1 db-2=10.99.0.7"})
    said = host.questions([peers])["sqream_network"]
    assert "Docker's network 10.99.0.0/24 (apart) has db-2 (10.99.0.7) in it" in said
    host.bash("docker network rm apart")


@pytest.mark.row("Q1", "Q6")
def test_preflight_says_what_is_in_the_way(host: LabHost) -> None:
    of = config(
        workers=[{"gpu": 0, "spoolGb": 100000, "port": 22}],
        installer={**config().installer.inputs(), "package": sqream.FIRST},
    )
    checks = steps.preflight(of, machine(host), {"db-1": machine(host)})
    said = host.questions(checks)
    assert set(said) == {"sqream_ports", "sqream_fits"}
    assert said["sqream_ports"].startswith("has in use: port 22 (")
    assert "wants 100000 GB of spool for its workers, has " in said["sqream_fits"]
    there = config(installer={"package": sqream.FIRST, "sha256": "0" * 64, "file": "/srv/none.tar.gz"})
    said = host.questions(steps.preflight(there, machine(host), {"db-1": machine(host)}))
    assert "has no file /srv/none.tar.gz, wants SQream's package there" in said["artefact#sqream"]


@pytest.mark.row("Q1", "Q2", "Q3", "Q4")
def test_undo_leaves_data_alone_and_nothing_else(host: LabHost, before: Mapping[str, Any]) -> None:
    host.bash("echo precious >/srv/sqreamdb/data_in/rows.csv")
    for layer in ("sqream-query", "sqream-run", "sqream"):
        done = host.gpu_metal(f"undo {layer}")
        assert done.returncode == 0, done.stderr
    left = differences(before, host.snapshot())
    kept = ("/srv/sqreamdb", "/srv/more", "/var/log/sqream", *(f"/var/lib/gpu-metal/{each}" for each in RUNNERS))
    assert {path for path in left if not path.startswith(kept)} == set()
    assert host.bash("cat /srv/sqreamdb/data_in/rows.csv") == "precious\n"


@pytest.mark.row("Q2")
def test_a_first_installation_never_overwrites_by_itself(host: LabHost) -> None:
    host.bash("rm -rf /srv/sqreamdb /srv/more /var/log/sqream; mkdir -p /srv/sqreamdb; echo mine >/srv/sqreamdb/file")
    said = refused(host)
    assert "/srv/sqreamdb exists and is not empty" in said
    assert "Nothing was overwritten. Fix: name folders that are empty" in said
    assert host.bash("cat /srv/sqreamdb/file") == "mine\n"
    made(host, overwrite="yes-lose-data")
    assert host.bash("ls /srv/sqreamdb/file 2>/dev/null || true") == ""
    host.bash("echo rows >/srv/sqreamdb/databases/rows; mv /home/sqream/.sqream /home/sqream/.lost")
    said = refused(host, overwrite="yes-lose-data")
    assert (
        "sqream-install -s shows no installation (status 1, last line: sqream-install: SQream is not installed)" in said
    )
    assert f"but {sqream.FIRST} was installed here. Nothing was changed. Fix: " in said
    assert host.bash("cat /srv/sqreamdb/databases/rows") == "rows\n"
    host.bash("mv /home/sqream/.lost /home/sqream/.sqream")
    made(host)
    # The layer is forgotten, as with a host that was set up anew; the word in the site was left there.
    assert host.gpu_metal("undo sqream-run").returncode == 0
    said = refused(host, overwrite="yes-lose-data")
    assert "has a database in /srv/sqreamdb, which overwrite would empty with all folders. Nothing was changed." in said
    made(host)
    assert host.bash("cat /srv/sqreamdb/databases/rows") == "rows\n"
