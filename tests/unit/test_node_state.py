"""What a host's own tools answer, judged right: time, swap and limits, with stand-ins for the tools."""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEPS = Path(__file__).parents[2] / "components/host/steps"
TIME = STEPS / "time_sync.sh"
SWAP = STEPS / "swap_off.sh"
UNITS = "/etc/systemd/system"


def clock(
    host: StepHost, leap: str = "Normal", offset: str = "0.000012", source: str = "^,*,10.0.0.1,2,6,377,9"
) -> str:
    """What check says of such a clock."""
    tracking = f"0A000001,10.0.0.1,3,1764450000.1,{offset},0.1,0.1,-3.1,0.0,0.1,0.01,0.001,64.2,{leap}"
    host.program("chronyc", f"case $* in *tracking) echo '{tracking}' ;; *sources) echo '{source},1,1,1' ;; esac")
    return host.call(TIME, "check")[1]


@pytest.mark.row("H8")
@pytest.mark.parametrize("leap", ["Normal", "Insert second", "Delete second"])
def test_a_clock_that_follows_a_server_is_in_sync_also_on_the_day_of_a_leap_second(host: StepHost, leap: str) -> None:
    assert clock(host, leap) == ""
    assert clock(host, leap, source="#,*,PPS,0,4,1,5") == ""


@pytest.mark.row("H8")
@pytest.mark.parametrize("reach", ["0", "10", "370"])
def test_normal_with_a_server_that_is_silent_is_not_in_sync(host: StepHost, reach: str) -> None:
    said = clock(host, source=f"^,*,10.0.0.1,2,6,{reach},700")
    assert said.startswith("has chrony that follows 10.0.0.1, which no longer answers, wants one that does. Fix: ")


@pytest.mark.row("H8")
def test_normal_without_a_followed_server_is_not_in_sync(host: StepHost) -> None:
    assert "has lost its servers (Normal" in clock(host, source="^,?,10.0.0.1,0,6,0,4294967295")
    assert "without a server that it follows (Not synchronised)" in clock(
        host, "Not synchronised", source="^,?,x,0,6,0,0"
    )


@pytest.mark.row("H8")
def test_the_time_server_of_a_site_without_others_follows_its_own_clock(host: StepHost) -> None:
    tracking = "7F7F0101,,10,1764450000.1,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,Normal"
    host.program("chronyc", f"case $* in *tracking) echo '{tracking}' ;; *sources) ;; esac")
    status, said = host.call(TIME, "check")
    assert status == 0
    assert "has chrony that follows this host's own clock" in said


@pytest.mark.row("H8")
def test_a_server_in_the_place_of_another_is_followed_before_time_sync_is_asked(host: StepHost) -> None:
    """chrony counts as in sync without a server that it follows; its answers to waitsync say nothing of that."""
    host.file("/etc/chrony/chrony.conf", "sourcedir /etc/chrony/sources.d\n")
    host.program("systemctl", ":")
    host.program("sleep", f"echo '^,*,10.0.0.2,2,6,17,1,1,1,1' >{host.root}/followed")
    host.program("chronyc", f"case $* in *-c*sources) cat {host.root}/followed ;; esac")
    host.file("/followed", "^,?,10.0.0.2,0,6,0,4294967295,0,0,0\n")
    assert host.call(STEPS / "chrony.sh", "apply", {"servers": "10.0.0.2"})[0] == 0
    assert host.path("/followed").read_text().startswith("^,*,")


@pytest.mark.row("H8")
@pytest.mark.parametrize("offset", ["3.250000", "-3.250000"])
def test_a_clock_that_is_seconds_off_is_said(host: StepHost, offset: str) -> None:
    said = clock(host, offset=offset)
    assert said == f"has a clock that is {offset} s off, wants it within 1 s. Fix: chronyc makestep sets it at once"
    assert clock(host) == "", "set right, the next run goes on"
    host.program("chronyc", "exit 1")
    assert "has chrony that does not answer" in host.call(TIME, "check")[1]


@pytest.fixture
def swapping(host: StepHost) -> StepHost:
    """A swap unit that multi-user.target wants, as people write them, and one that a generator made."""
    host.file("/proc/swaps", "Filename Type Size Used Priority\n")
    unit = r"dev-disk-by\x2dlabel-swap.swap"
    host.file(f"{UNITS}/{unit}", "[Swap]\nWhat=/dev/sdb1\n[Install]\nWantedBy=multi-user.target\n")
    host.file("/listed", f"{unit} enabled enabled\ndev-sda2.swap generated -\n")
    host.program("systemctl", f"case $* in *list-unit-files*) cat {host.root}/listed ;; *) exit 3 ;; esac")
    for name in ("swapon", "swapoff"):
        host.program(name, ":")
    return host


@pytest.mark.row("H12")
def test_a_swap_unit_of_another_target_does_not_come_back_at_a_start(swapping: StepHost) -> None:
    unit = swapping.path(f"{UNITS}/dev-disk-by\\x2dlabel-swap.swap")
    text = unit.read_text()
    swapping.path(f"{UNITS}/swap.target").symlink_to("/dev/null")
    status, said = swapping.call(SWAP, "check")
    assert (status, said) == (10, f"{unit.name} is not masked: it turns swap on at a start")
    assert swapping.call(SWAP, "apply") == (0, "")
    assert swapping.call(SWAP, "check") == (0, "")
    assert unit.readlink() == Path("/dev/null")
    assert not swapping.path(f"{UNITS}/dev-sda2.swap").is_symlink()
    assert swapping.call(SWAP, "undo") == (0, "")
    assert unit.read_text() == text
    assert not unit.is_symlink()


LIMITS = STEPS / "limits.sh"
WANTED = {"nofile": "65536", "memlock": "-1", "core": "0", "login": "deploy"}
LOGIN = """Limit                     Soft Limit           Hard Limit           Units
Max core file size        0                    0                    bytes
Max open files            65536                65536                files
Max locked memory         unlimited            unlimited            bytes
"""
OURS = "/etc/security/limits.d/90-gpu-metal.conf"


@pytest.fixture
def limited(host: StepHost) -> StepHost:
    """Logins that have what the site says."""
    host.file("/proc/sys/fs/nr_open", "1048576\n")
    host.file("/proc/self/status", "CapEff:\t000001ffffffffff\n")
    host.file("/proc/self/limits", LOGIN.replace("65536", "1024 "))
    host.program("su", f"cat {host.root}/login-$3")
    for user in ("root", "deploy"):
        host.file(f"/login-{user}", LOGIN)
    assert host.call(LIMITS, "apply", WANTED) == (0, "")
    assert host.call(LIMITS, "check", WANTED) == (0, "")
    assert "login" not in host.path(OURS).read_text()
    return host


@pytest.mark.row("H10")
@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("/etc/security/limits.d/95-app.conf", "*  soft  nofile  1024"),
        ("/etc/security/limits.d/20-app.conf", "deploy - nofile 1024"),
        ("/etc/security/limits.conf", "@wheel soft nofile 1024"),
    ],
)
def test_a_limit_that_a_login_does_not_have_names_the_line_that_wins(limited: StepHost, file: str, line: str) -> None:
    limited.file("/etc/security/limits.d/10-early.conf", "* soft nofile 7\n")
    limited.file(file, f"# ours\n#{line}\n{line}\n")
    limited.file("/login-deploy", LOGIN.replace("65536", "1024 ", 1))
    assert limited.call(LIMITS, "check", WANTED) == (
        10,
        "a login of deploy has nofile 1024 (soft) and 65536 (hard), wants 65536 for both. "
        f'Fix: take "{" ".join(line.split())}" out of {file}',
    )


@pytest.mark.row("H10")
def test_a_limit_that_no_file_explains_and_kilobytes(limited: StepHost) -> None:
    limited.file("/login-root", LOGIN.replace("unlimited", "8388608  "))
    said = limited.call(LIMITS, "check", WANTED)[1]
    assert said.startswith(
        "a login of root has memlock 8388608 (soft) and 8388608 (hard), wants unlimited for both. Fix: see"
    )
    limited.file("/login-root", LOGIN.replace("unlimited", "8388608  "))
    assert limited.call(LIMITS, "apply", {**WANTED, "memlock": "8192", "login": "root"})[0] == 0
    assert limited.call(LIMITS, "check", {**WANTED, "memlock": "8192", "login": "root"}) == (0, "")


@pytest.mark.row("H10")
def test_a_login_that_does_not_come_about_is_said(limited: StepHost) -> None:
    limited.program("su", "echo 'su: cannot open session: Permission denied' >&2; exit 1")
    assert limited.call(LIMITS, "check", WANTED)[1].startswith(
        "no login of root comes about with these limits: su: cannot open session: Permission denied. Fix: "
    )


@pytest.mark.row("H10")
def test_an_account_whose_password_has_expired_is_no_fault_of_the_limits(limited: StepHost) -> None:
    said = "Current password: su: Authentication token manipulation error\nChanging password for root."
    limited.program("su", f"[[ $3 == root ]] || exec cat {limited.root}/login-$3; echo '{said}' >&2; exit 1")
    status, said = limited.call(LIMITS, "check", WANTED)
    assert status == 0
    assert "cannot see the limits of a login of root, which is refused before they are set: " in said
    limited.file("/login-deploy", LOGIN.replace("65536", "1024 ", 1))
    assert "a login of deploy has nofile 1024 (soft)" in limited.call(LIMITS, "check", WANTED)[1]


@pytest.mark.row("H10")
def test_where_root_may_not_raise_limits_only_those_that_a_login_can_have_are_judged(limited: StepHost) -> None:
    """A container without CAP_SYS_RESOURCE: nothing can get more than its root has."""
    limited.file("/proc/self/status", "CapEff:\t000001fffeffffff\n")
    limited.file("/login-deploy", LOGIN.replace("65536", "1024 "))
    assert limited.call(LIMITS, "check", WANTED) == (0, "")
    limited.file("/login-deploy", LOGIN.replace("65536", "512  "))
    wanted = {**WANTED, "nofile": "1024"}
    limited.call(LIMITS, "apply", wanted)
    limited.file("/login-root", LOGIN.replace("65536", "1024 "))
    assert "deploy has nofile 512 (soft) and 512 (hard), wants 1024" in limited.call(LIMITS, "check", wanted)[1]
