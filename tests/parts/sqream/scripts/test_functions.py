"""Functions of SQream's steps and program by themselves, on this machine. The other files here run them whole."""

import subprocess
from pathlib import Path

import pytest

STEPS = Path("components/platforms/sqream/steps").resolve()
GIVEN = 'input() { local -n given=given_$1 2>/dev/null || true; printf "%s\\n" "${given-${2-}}"; }\n'


def shell(step: str, script: str, **inputs: str) -> str:
    """What the script prints, with the step's functions and its inputs."""
    given = "".join(f"given_{key}={value!r}\n" for key, value in inputs.items())
    text = f"set -euo pipefail\n{GIVEN}{given}. {STEPS / step}\n{script}"
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True).stdout


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
