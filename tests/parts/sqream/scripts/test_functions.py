"""Functions of SQream's steps and program by themselves, on this machine. The other files here run them whole."""

import subprocess
from pathlib import Path

import pytest

from tests.scripts import functions

STEPS = Path("components/platforms/sqream/steps").resolve()


def shell(step: str, script: str, **inputs: str) -> str:
    return functions.shell(STEPS / step, script, **inputs)


@pytest.mark.row("Q7")
def test_ports_that_docker_shows_as_a_range_are_seen() -> None:
    rows = (
        "NAMES PORTS",
        "master 0.0.0.0:3107-3108->3107-3108/tcp, [::]:3107-3108->3107-3108/tcp",
        "w :::5000->5000/tcp",
    )
    table = " ".join(f"'{row}'" for row in rows)
    seen = shell("sqream_status.sh", f"printf '%s\\n' {table} | _shown")
    assert seen.split() == ["3107", "3108", "3107", "3108", "5000"]


@pytest.mark.row("Q1")
def test_a_folder_is_remembered_beside_one_whose_name_goes_on(tmp_path: Path) -> None:
    state = f"_record() {{ echo {tmp_path}/record; }}; write_file() {{ cat >$1.new; mv $1.new $1; }}\n"
    lines = "_remember '0:0|755|/srv/sqreamdb'; _remember '0:0|755|/srv/sqream'; _remember '7:7|700|/srv/sqream'\n"
    assert shell("sqream_folders.sh", f"{state}{lines}cat {tmp_path}/record").splitlines() == [
        "0:0|755|/srv/sqreamdb",
        "0:0|755|/srv/sqream",
    ]


@pytest.mark.row("Q6")
def test_workers_of_another_host_try_until_the_master_is_there() -> None:
    far = shell("sqream_service.sh", "_unit", name="worker-5000", storage="/srv/db")
    assert "StartLimitIntervalSec=0\n" in far
    near = shell(
        "sqream_service.sh", "_unit", name="worker-5000", storage="/srv/db", after="gpu-metal-sqream-master.service"
    )
    assert "StartLimitBurst=5\n" in near
    assert "PartOf=gpu-metal-sqream.target gpu-metal-sqream-master.service\n" in near


@pytest.mark.row("Q5")
def test_only_dockers_own_bridges_are_left_out_of_the_hosts_networks() -> None:
    routes = """default via 10.0.0.1 dev eth0
10.0.0.0/24 dev eth0 proto kernel
172.17.0.0/16 dev docker0 proto kernel
172.18.0.0/16 dev br-0123456789ab proto kernel
192.168.4.0/24 dev br-ad proto kernel
10.9.0.1 dev eth0"""
    script = (
        f". {Path('components/hostrun/networks.sh').resolve()}; ip() {{ cat <<'END'\n{routes}\nEND\n}}; host_networks"
    )
    assert shell("sqream_network.sh", script).splitlines() == [
        "10.0.0.0/24 eth0",
        "192.168.4.0/24 br-ad",
        "10.9.0.1/32 eth0",
    ]


@pytest.mark.row("Q8")
@pytest.mark.parametrize(
    ("image", "same"),
    [("sqream:2019.2.1", True), ("reg:5000/sqream:v2019.2.1-x86", True), ("sqream:2019.2.1.4", False)],
)
def test_a_longer_version_is_another_one(image: str, same: bool) -> None:
    program = (STEPS.parent / "program.sh").read_text()
    [line] = [line for line in program.splitlines() if 'say "runs $image' in line]
    script = f'set -- worker-5000; say() {{ echo "$1"; }}; image={image} version=2019.2.1\n{line}'
    assert (shell("sqream_status.sh", script) == "") is same


@pytest.mark.row("Q2")
def test_a_package_is_found_when_its_user_has_gone_before(tmp_path: Path) -> None:
    (tmp_path / "sqream").mkdir()
    (tmp_path / "sqream" / "home").write_text("/srv/people/nobody-here\n")
    library = Path("components/platforms/sqream/lib.sh").resolve()
    script = f"GPU_METAL_HOME={tmp_path}; . {library}; sqream_folder; sqream_folder older"
    seen = shell("sqream_status.sh", script, user="nobody-here", package="newer")
    assert seen.splitlines() == ["/srv/people/nobody-here/newer", "/srv/people/nobody-here/older"]


SETTINGS = """SQREAM_CONSOLE_TAG=1.5.4
SQREAM_TAG=2019.2.1
SQREAM_EDITOR_TAG=3.0.0
license_worker_0=f0:cc:
SQREAM_VOLUME=/media/sqreamdb
SQREAM_CONFIG_DIR=/etc/sqream/
LICENSE_VALID=true
SQREAM_LOG_DIR=/var/log/sqream/
PROCESSOR=x86_64
CUDA_VERSION=10.1
"""
"""Lines of the guide's example of `sqream-install -s`."""
LOG = "SQREAM_LOG_DIR=/var/log/sqream/\n"


def read(tmp_path: Path, script: str, *, installed: str = "", containers: str = "") -> str:
    """What `sqream_settings` prints, or says and ends with status 10, where `script` is the installer."""
    (tmp_path / "one").mkdir()
    installer = tmp_path / "one" / "sqream-install"
    installer.write_text(f"#!/bin/bash\n{script}\n")
    installer.chmod(0o755)
    (tmp_path / "sqream").mkdir()
    if installed:
        (tmp_path / "sqream" / "installed").write_text(f"{installed}\n")
    (tmp_path / "sqream" / "home").write_text(f"{tmp_path}\n")
    fakes = f"""sqream_as() {{ "$@"; }}; docker() {{ printf '%s' {containers!r}; }}
untrue() {{ printf 'UNTRUE %s' "$*"; exit 10; }}; GPU_METAL_HOME={tmp_path}"""
    library = Path("components/platforms/sqream/lib.sh").resolve()
    text = f". {library}\n{fakes}\nstatus=0; (sqream_settings) || status=$?; [[ $status == 0 || $status == 10 ]]"
    return shell("sqream_install.sh", text, user="nobody-here", package="one", database="2019.2.1")


@pytest.mark.row("Q2")
def test_settings_as_the_guide_shows_them_are_an_installation(tmp_path: Path) -> None:
    assert read(tmp_path, f"cat <<'END'\n{SETTINGS}END", installed="one") == SETTINGS


@pytest.mark.row("Q2")
@pytest.mark.parametrize(
    "script", ["", "exit 3", "echo SQream is not installed >&2; exit 1", "echo SQREAM_TAG=2019.2.1"]
)
def test_a_silent_installer_is_a_first_run_only_where_nothing_was_installed(tmp_path: Path, script: str) -> None:
    assert read(tmp_path, script) == ""


@pytest.mark.row("Q2")
def test_an_installer_that_is_silent_where_sqream_was_installed_is_no_first_run(tmp_path: Path) -> None:
    said = read(tmp_path, "echo docker does not answer >&2; exit 1", installed="one")
    assert said.startswith(
        "UNTRUE sqream-install -s shows no installation (status 1, last line: docker does not answer), but one was "
        "installed here. Nothing was changed. Fix: mend what ./sqream-install -s says in "
    )
    assert f"rm {tmp_path}/sqream/installed; then pulumi up" in said


@pytest.mark.row("Q2")
def test_an_installer_that_is_silent_beside_running_containers_is_no_first_run(tmp_path: Path) -> None:
    said = read(tmp_path, "", containers="0123")
    assert "shows no installation (status 0, last line: nothing), but SQream's containers run here." in said


@pytest.mark.row("Q2")
def test_a_part_of_the_settings_is_no_installation(tmp_path: Path) -> None:
    said = read(tmp_path, f"cat <<'END'\n{SETTINGS.replace(LOG, '')}END")
    assert said.startswith(
        "UNTRUE sqream-install -s shows an installation without SQREAM_LOG_DIR (status 0, last line: CUDA_VERSION"
    )


@pytest.mark.row("Q2", "Q7")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("CUDA_VERSION=10.1", ""),
        ("CUDA_VERSION=11.4", ""),
        (
            "CUDA_VERSION=9.2",
            "UNTRUE SQream sees CUDA 9.2, wants 10.1 or later. Fix: a driver that offers it, in gpu.driver",
        ),
        (
            "PROCESSOR=ppc64le",
            "UNTRUE SQream sees the processor ppc64le, its package is for x86_64. Fix: ",
        ),
    ],
)
def test_the_processor_and_cuda_that_sqream_sees_are_compared(line: str, said: str) -> None:
    fakes = "untrue() { printf 'UNTRUE %s' \"$*\"; exit 10; }\n"
    library = Path("components/platforms/sqream/lib.sh").resolve()
    script = f". {library}\n{fakes}(_check_numbers '{line}') || true"
    given = {"package": "sqream_installer-1-DB2-CO3-ED4-x86_64", "cuda": "10.1", "workers": "1"}
    assert shell("sqream_install.sh", script, **given)[: len(said) or None] == said


PROGRAM = STEPS.parent / "program.sh"


def program(verb: str, console: str, tmp_path: Path) -> tuple[int, str]:
    """Status and output of a verb of the program, where SQream's console prints that text."""
    (tmp_path / "settings").write_text(f"user=nobody\nstate={tmp_path}\n")
    (tmp_path / "master").write_text("port=3108\n")
    (tmp_path / "worker-5000").write_text("port=5000\n")
    text = (
        PROGRAM.read_text()
        .split("\nverb=${1-}\n")[0]
        .replace("started=/run/gpu-metal-sqream", f"started={tmp_path}/run")
    )
    text = text.replace("settings=/etc/gpu-metal-sqream", f"settings={tmp_path}")
    fakes = f"""console() {{ cat <<'END'\n{console}\nEND\n}}
mine() {{ case $1 in master) echo 1 sqream_single_host_master ;; *) echo 2 sqream_single_host_worker_0 ;; esac; }}"""
    done = subprocess.run(["bash", "-c", f"{text}\n{fakes}\n{verb}"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


MASTER = "sqream_single_host_master up listens on ports: 3105,3108"


@pytest.mark.row("Q7")
@pytest.mark.parametrize(
    ("printed", "unlisted"),
    [
        (f"sqream_single_host_worker_0 up, listens on port: 5000 allocated gpu: 1\n{MASTER}", ""),
        (MASTER, "worker-5000 (sqream_single_host_worker_0)\n"),
        (
            f"sqream_single_host_worker_0 up, listens on port: 5001 allocated gpu: 1\n{MASTER}",
            "worker-5000 (listed on 5001)\n",
        ),
        (
            "container name: sqream_single_host_worker_0, container id: c919e8fb78c8\n"
            "container name: sqream_single_host_master, container id: ea7eef80e038",
            "",
        ),
    ],
)
def test_sqreams_own_list_is_compared_in_both_forms_of_the_guide(printed: str, unlisted: str, tmp_path: Path) -> None:
    assert program("unlisted", printed, tmp_path) == (0, unlisted)


@pytest.mark.row("Q7")
@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        ("Interactive client mode\n\nmaster=> 1\nmaster=> ", (0, "")),
        ("master=> master=> 1", (0, "")),
        ("select 1;\n1\n1 row", (0, "")),
        ("error: login failed", (3, "error: login failed\n")),
        ("master=> error: no worker serves", (1, "error: no worker serves\n")),
        ("", (1, "it prints nothing\n")),
    ],
)
def test_only_a_result_is_an_answer(printed: str, answer: tuple[int, str], tmp_path: Path) -> None:
    assert program("query", printed, tmp_path) == answer
