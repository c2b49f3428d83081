"""The lab's stand-in of SQream: it refuses, asks and runs as the vendor's documents say, in real containers.

The steps' tests rely on it. Does not prove: that the vendor's package does the same where its documents say nothing.
"""

import base64
import shlex
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest

from components.engine import steps
from components.engine.config import Docker
from lab.depot import sqream
from lab.hosts import faults, gpus
from tests.scripts.lab_host import LabHost

pytestmark = pytest.mark.lab

HOME = "/home/sqream"
STORAGE = f"{HOME}/sqreamdb"
GPU = "NVIDIA A100-SXM4-80GB"
FIRST_RUN = f"-i -k -v {STORAGE} -d {HOME}/data"


@pytest.fixture(scope="module")
def host(spare: LabHost) -> Iterator[LabHost]:
    """With two GPUs, Docker, the user, and the packages unpacked; nothing of them is installed."""
    gpus.fit(spare.machine, "2 dgx-a100", gpus.DRIVER)
    spare.install()
    runtime = {"runtimes": {"nvidia": {"path": "/usr/bin/runc"}}}
    spare.apply(
        "engine", steps.engine(Docker.model_validate({"kind": "docker", "package": "docker.io"}), extra=runtime)
    )
    spare.bash("useradd -m -U -G docker -s /bin/bash sqream")
    for package in (sqream.FIRST, sqream.PATCH, sqream.NEXT):
        tarball = base64.b64encode(sqream.file(package).read_bytes()).decode()
        spare.bash(f"base64 -d | tar -xzC {HOME} --no-same-owner", tarball)
    yield spare
    spare.gpu_metal("remove")


@pytest.fixture
def first(host: LabHost) -> Iterator[LabHost]:
    """With the first version installed and nothing running; reset afterwards."""
    put_license(host, sqream.FIRST, sqream.license_package(gpus=GPU, workers=3))
    install(host, sqream.FIRST, FIRST_RUN)
    yield host
    folders = f"{STORAGE} {HOME}/data {HOME}/.sqream /etc/sqream /var/log/sqream /run/lab-sqream"
    host.bash(f"docker ps -aq | xargs -r docker rm -f; rm -rf {folders} {HOME}/*/license/* {HOME}/*/.krb5/*")
    host.bash("docker image ls --format '{{.Repository}}:{{.Tag}}' | xargs -r docker image rm")


def put_license(host: LabHost, package: str, content: bytes) -> None:
    file = f"{HOME}/{package}/license/license_package.tar.gz"
    host.bash(f"base64 -d >{file}", base64.b64encode(content).decode())


def installer(host: LabHost, package: str, flags: str, answers: str = "") -> CompletedProcess[str]:
    """As sudo runs it."""
    words = ["env", "SUDO_USER=sqream", "bash", "-c", f"cd {HOME}/{package} && ./sqream-install {flags}"]
    return faults.run_in(host.machine, words, stdin=answers, check=False, deadline=600)


def install(host: LabHost, package: str, flags: str, answers: str = "") -> str:
    done = installer(host, package, flags, answers)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(host: LabHost, package: str, flags: str, answers: str = "", *, status: int = 1) -> str:
    done = installer(host, package, flags, answers)
    assert done.returncode == status, done.stdout
    return done.stderr.splitlines()[-1].removeprefix("sqream-install: ")


def console(host: LabHost, package: str, *lines: str) -> list[str]:
    """What the console answers to the lines, at a terminal without echo."""
    script = "stty -echo; exec ./sqream-console"
    command = f"cd {HOME}/{package} && runuser -u sqream -- script -qec {shlex.quote(script)} /dev/null"
    typed = "".join(f"{line}\n" for line in (*lines, "exit"))
    done = faults.run_in(host.machine, ["bash", "-c", f"(sleep 1; cat) | ({command})"], stdin=typed, deadline=600)
    answers = done.stdout.replace("\r", "").split("sqream-console>", 1)[-1]
    return [line for line in answers.replace("sqream-console>", "").splitlines() if line]


def settings(host: LabHost, package: str) -> dict[str, str]:
    shown = host.bash(f"cd {HOME}/{package}; runuser -u sqream -- ./sqream-install -s")
    return dict(line.split("=", 1) for line in shown.splitlines())


def test_the_first_run_wants_its_flags_a_user_and_folders_of_its_own(host: LabHost) -> None:
    bare = host.bash(f"cd {HOME}/{sqream.FIRST}; ./sqream-install -i -k -v /x 2>&1 || true")
    assert bare == "sqream-install: run it with sudo as the SQream user, not as root\n"
    assert refused(host, sqream.FIRST, "-i") == "the first run needs -i -k -v <volume path>"
    assert refused(host, sqream.FIRST, "", status=2) == "no flag"
    assert refused(host, sqream.FIRST, "-r -i", status=2) == "-r stands alone"
    assert refused(host, sqream.FIRST, FIRST_RUN) == "no license package in ./license"
    assert "stand-in of the gpu-metal lab" in install(host, sqream.FIRST, "-h")
    host.bash(f"rm -rf {STORAGE}; mkdir {STORAGE}; touch {STORAGE}/own")
    put_license(host, sqream.FIRST, sqream.license_package())
    assert refused(host, sqream.FIRST, FIRST_RUN) == f"{STORAGE} exists and is not empty. Use -f to overwrite it"
    host.bash(f"test -e {STORAGE}/own; touch {HOME}/data/own")
    install(host, sqream.FIRST, f"{FIRST_RUN} -f")
    host.bash(f"test ! -e {STORAGE}/own; test ! -e {HOME}/data/own")  # all that lay in the mounted folders
    install(host, sqream.FIRST, "-r")
    inside = f"{STORAGE}/data_in"
    host.bash(f"rm -r {STORAGE} /etc/sqream; mkdir -p {inside} {STORAGE}/lost+found")
    install(host, sqream.FIRST, f"-i -k -v {STORAGE} -d {inside}")
    install(host, sqream.FIRST, "-r")
    host.bash(f"test -d {STORAGE}/leveldb; test ! -e {HOME}/.sqream; rm -r {STORAGE} {HOME}/data /etc/sqream")
    assert host.bash("docker image ls -q") == ""


def test_settings_are_the_documents(first: LabHost) -> None:
    shown = settings(first, sqream.FIRST)
    assert {key: shown[key] for key in ("SQREAM_TAG", "SQREAM_CONSOLE_TAG", "SQREAM_EDITOR_TAG", "SQREAM_VOLUME")} == {
        "SQREAM_TAG": "2019.2.1",
        "SQREAM_CONSOLE_TAG": "1.5.4",
        "SQREAM_EDITOR_TAG": "3.0.0",
        "SQREAM_VOLUME": STORAGE,
    }
    assert (shown["NUM_OF_GPUS"], shown["LICENSE_VALID"], shown["SQREAM_MODE"]) == ("2", "true", "single_host")
    assert [key for key in shown if key.startswith("license_worker")] == [f"license_worker_{n}" for n in range(3)]


def test_licences_are_judged_and_bind_workers(first: LabHost) -> None:
    assert install(first, sqream.FIRST, "-K") == "license is valid until 2099-12-31 for 3 workers\n"
    for package, says in (
        (sqream.license_package(expires="2020-01-01"), "license expired on 2020-01-01"),
        (sqream.license_package(gpus="Tesla V100-SXM2-16GB"), "license is for other GPUs: Tesla V100-SXM2-16GB"),
    ):
        put_license(first, sqream.FIRST, package)
        assert f"warning: license is not valid: {says}" in install(first, sqream.FIRST, "-k")
        assert refused(first, sqream.FIRST, "-K") == says
        assert settings(first, sqream.FIRST)["LICENSE_VALID"] == "false"
    assert console(first, sqream.FIRST, "sqream worker --start 1")[0].startswith("error: license is not valid: ")
    put_license(first, sqream.FIRST, b"torn")
    assert refused(first, sqream.FIRST, "-k") == "license package license_package.tar.gz is not readable"
    put_license(first, sqream.FIRST, sqream.license_package(workers=1))
    install(first, sqream.FIRST, "-k")
    started = console(first, sqream.FIRST, "sqream master --start", "sqream worker --start 2")
    assert started[-1] == "error: 1 workers are licensed, 1 run"


def test_services_run_as_the_console_says(first: LabHost) -> None:
    said = console(first, sqream.FIRST, "sqream master --start", "sqream worker --start 2", "sqream editor --start")
    assert said == [
        "starting master server in single_host mode ...",
        "sqream_single_host_master is up and listening on ports: 3105,3108",
        "started sqream_single_host_worker_0 on port 5000, allocated gpu: 0",
        "started sqream_single_host_worker_1 on port 5001, allocated gpu: 1",
        f"access sqream statement editor through Chrome http://{first.machine.address}:3000",
    ]
    listening = first.bash("ss -Hltn | awk '{ sub(/.*:/, \"\", $4); print $4 }' | sort -un").split()
    assert {"3000", "3105", "3108", "5000", "5001"} <= set(listening)
    asked = ["sqream client --master -u sqream -w sqream", "select 1;", "select workers;", r"\q"]
    assert [line.split("=> ")[-1] for line in console(first, sqream.FIRST, *asked)][2:4] == ["1", "2"]
    status = first.bash("sqream-status").splitlines()
    assert [line.split()[0] for line in status] == [
        "NAMES",
        "sqream_editor_3.0.0",
        "sqream_single_host_worker_1",
        "sqream_single_host_worker_0",
        "sqream_single_host_master",
    ]
    stopped = console(first, sqream.FIRST, "sqream worker --stop sqream_single_host_worker_0", "sqream master --list")
    assert stopped[0].startswith("stopped container sqream_single_host_worker_0, id: ")
    assert len(stopped) == 3
    assert "started sqream_single_host_worker_0 on port 5000, allocated gpu: 1" in console(
        first, sqream.FIRST, "sqream worker --start 1 -g 1 -m 50"
    )
    assert len(console(first, sqream.FIRST, "sqream master --stop --all")) == 4
    assert console(first, sqream.FIRST, "sqream master --list") == ["no sqream services are running"]


def test_wrong_use_is_an_error_of_the_console_which_ends_well(first: LabHost) -> None:
    first.bash("echo '{\"a\": [1, true], ' >/etc/sqream/torn.json; echo '{\"a\": [1, true]}' >/etc/sqream/whole.json")
    said = console(
        first,
        sqream.FIRST,
        "sqream worker --start 1",
        "sqream master --start -p 4108 -m 4105",
        "sqream master --start",
        "sqream worker --start 1 -g 7",
        "sqream worker --start 1 -j /etc/sqream/torn.json",
        "sqream worker --start 1 -j /srv/none.json",
        "sqream worker --start 1 -p 4105",
        "sqream worker --start 1 -g 1 -p 5100 -j /etc/sqream/whole.json",
        "sqream studio --start",
    )
    worker = "sqream_single_host_worker_0"
    assert said[0] == f"error: {worker} did not start: sqreamd: no master at local"
    assert said[2] == "sqream_single_host_master is up and listening on ports: 4105,4108"
    assert said[3] == "error: sqream_single_host_master is already running"
    assert said[4] == "error: gpu 7: this host has 2 GPUs"
    assert said[5] == f"error: {worker} did not start: sqreamd: /etc/sqream/torn.json: not JSON"
    assert said[6] == f"error: {worker} did not start: sqreamd: /srv/none.json: No such file or directory"
    assert "port is already allocated" in said[7]
    assert said[8] == f"started {worker} on port 5100, allocated gpu: 1"
    assert said[9].startswith("error: argument subcommand: invalid choice: 'studio'")
    assert settings(first, sqream.FIRST)["PICKER_PORT"] == "4108"
    no_terminal = first.bash(f"cd {HOME}/{sqream.FIRST}; runuser -u sqream -- ./sqream-console 2>&1 </dev/null || true")
    assert no_terminal == "the input device is not a TTY\n"


def test_upgrade_asks_before_it_stops_and_before_it_changes_metadata(first: LabHost) -> None:
    console(first, sqream.FIRST, "sqream master --start", "sqream worker --start 1")
    asks = "SQream services are running: sqream_single_host_master sqream_single_host_worker_0. Stop all of them"
    answered = installer(first, sqream.PATCH, "-i")
    assert asks in answered.stdout
    assert refused(first, sqream.PATCH, "-i", "No\n") == "the upgrade was stopped; nothing was changed"
    assert len(console(first, sqream.FIRST, "sqream master --list")) == 2
    assert "metadata" not in install(first, sqream.PATCH, "-i", "Yes\n")
    assert settings(first, sqream.PATCH)["SQREAM_TAG"] == "2019.2.1.4"
    old = "error: this console is 1.5.4 of SQreamDB 2019.2.1; the installation is SQreamDB 2019.2.1.4"
    command = f"cd {HOME}/{sqream.FIRST}; runuser -u sqream -- script -qec ./sqream-console /dev/null || true"
    assert old in first.bash(command)

    assert refused(first, sqream.NEXT, "-i") == "not approved; the metadata is as it was"
    first.bash("echo migrate >/run/lab-sqream")
    assert refused(first, sqream.NEXT, "-i", "Yes\n").startswith(
        "the metadata could not be changed; it is as it was (27)"
    )
    first.bash("echo load >/run/lab-sqream")
    assert refused(first, sqream.NEXT, "-i", "Yes\n").startswith("docker load of sqream_console-")
    assert settings(first, sqream.PATCH)["SQREAM_TAG"] == "2019.2.1.4"
    assert console(first, sqream.PATCH, "sqream master --start")[-1].startswith("sqream_single_host_master is up")
    first.bash("rm /run/lab-sqream")
    assert install(first, sqream.NEXT, "-i", "Yes\nYes\n").endswith("SQreamDB 2020.3 is installed\n")
    tags = first.bash("docker image ls --format '{{.Repository}}:{{.Tag}}' | sort").split()
    assert tags == ["sqream:2020.3", "sqream_console:1.7.6", "sqream_studio:4.0.0"]
    said = console(first, sqream.NEXT, "sqream master --start", "sqream worker --start 1", "sqream studio --start")
    assert said[-1] == f"SQream Acceleration Studio is available at http://{first.machine.address}:8080"
    assert console(first, sqream.NEXT, "sqream master --list") == [
        "checking 2 sqream services:",
        "sqream_single_host_worker_0 up, listens on port: 5000 allocated gpu: 0",
        "sqream_single_host_master up listens on ports: 3105,3108",
    ]
    newer = f"metadata 28 of {STORAGE} is newer than 27, which SQreamDB 2019.2.1 reads"
    assert refused(first, sqream.FIRST, "-i", "Yes\n") == newer


def test_workers_of_another_host_find_the_master_and_its_version(first: LabHost) -> None:
    address = first.machine.address
    distributed = f"sqream worker --start 1 --master-host {address}"
    assert f"sqreamd: no master at {address}:3105" in console(first, sqream.FIRST, distributed)[0]
    assert console(first, sqream.FIRST, "sqream master --list") == [
        "error: sqream master is only available on the master node"
    ]
    image = (
        f"-v {STORAGE}:{STORAGE} -e ADDRESS_FILE={STORAGE}/leveldb/master -e PICKER_PORT=3108 sqream:2019.2.1 master"
    )
    for version, says in (
        (
            "2020.3",
            "error: sqream_distributed_worker_0 did not start: sqreamd: master runs SQreamDB 2020.3, this is 2019.2.1",
        ),
        ("2019.2.1", "started sqream_distributed_worker_0 on port 5000, allocated gpu: 0"),
    ):
        first.bash(f"docker run -d --name far -p 3105:3105 -e VERSION={version} -e METADATA_PORT=3105 {image}")
        assert console(first, sqream.FIRST, distributed) == [says]
        first.bash("docker rm -f far")


def test_kerberos_wants_all_its_files(first: LabHost) -> None:
    flags = "-p nn1@SQ.COM -e kdc.sq.com:192.168.1.111"
    missing = "missing: .hadoop/core-site.xml .hadoop/hdfs-site.xml .krb5/krb5.conf .krb5/hdfs.keytab"
    assert refused(first, sqream.FIRST, flags) == missing
    files = ".hadoop/core-site.xml .hadoop/hdfs-site.xml .krb5/krb5.conf .krb5/hdfs.keytab"
    first.bash(f"cd {HOME}/{sqream.FIRST}; for file in {files}; do echo x >$file; done")
    install(first, sqream.FIRST, flags)
    assert settings(first, sqream.FIRST)["KRB5_SERVER"] == "kdc.sq.com:192.168.1.111"
    assert "started" in console(first, sqream.FIRST, "sqream worker --start 1 --stand-alone")[0]
    assert "192.168.1.111\tkdc.sq.com" in first.bash("docker cp sqream_single_host_worker_0:/etc/hosts - | tar -xO")
    assert refused(first, sqream.FIRST, "-p nn1@SQ.COM", status=2) == "-p and -e stand together"
