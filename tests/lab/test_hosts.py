"""The emulated hosts: that they are real hosts to SSH, and that each way of breaking one does what it says.

Not proven here: loss of unsynced writes, real delay, a wrong clock, cgroup v2 machines. Faults hit new-3 only.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import paths
from lab.hosts import cgroups, faults, lab, power
from lab.hosts.inventory import Host, LabError, host
from tests.lab.stack import watched

pytestmark = [pytest.mark.lab, pytest.mark.hosts("new-1", "new-2", "new-3")]

ALL = [host(name) for name in ("new-1", "new-2", "new-3")]
SPARE = ALL[-1]


@pytest.fixture(scope="module", autouse=True)
def _hosts() -> Iterator[None]:
    """They start with new disks, and are off afterwards."""
    lab.serve(lambda _: None)
    for one in ALL:
        lab.reset(one)
    yield
    for one in ALL:
        lab.stop(one, grace=0)


@pytest.fixture
def spare() -> Host:
    """The spare host, on and whole."""
    lab.start(SPARE)
    return SPARE


def ssh(target: Host, command: str, known_hosts: Path = paths.LAB / "known_hosts") -> subprocess.CompletedProcess[str]:
    options = ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={known_hosts}", "BatchMode=yes", "ConnectTimeout=5"]
    words = [word for option in options for word in ("-o", option)]
    key = str(paths.LAB / "id_ed25519")
    return subprocess.run(
        ["ssh", "-F", "none", "-i", key, *words, f"deploy@{target.address}", command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def greeting(target: Host, deadline: float = 1) -> bytes:
    with socket.create_connection((target.address, 22), deadline) as connection:
        connection.settimeout(deadline)
        return connection.recv(4)


def eventually_greets(target: Host) -> None:
    power.wait(target, deadline=120)


@pytest.mark.parametrize("target", ALL, ids=lambda one: one.name)
def test_ssh_with_a_pinned_host_key_reaches_a_user_with_sudo(target: Host) -> None:
    done = ssh(target, "hostname && id -un && sudo -n id -u && systemctl is-active ssh")
    assert done.stdout.split() == [target.name, "deploy", "0", "active"], done.stderr


def test_a_wrong_host_key_is_refused(tmp_path: Path) -> None:
    lines = (paths.LAB / "known_hosts").read_text()
    wrong = tmp_path / "known_hosts"
    wrong.write_text(lines.replace(ALL[0].address, "x").replace(ALL[1].address, ALL[0].address))
    done = ssh(ALL[0], "true", wrong)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_hosts_have_identities_of_their_own() -> None:
    for what in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub", "/proc/sys/kernel/random/boot_id"):
        assert len({faults.run_in(one, ["cat", what]).stdout for one in ALL}) == len(ALL), what


def test_apt_works_inside() -> None:
    faults.run_in(ALL[0], ["apt-get", "update", "-q"], deadline=180)


def test_a_host_cannot_set_the_clock(spare: Host) -> None:
    before = time.time()
    done = ssh(spare, "sudo -n date -s @1")
    assert done.returncode != 0
    assert "Operation not permitted" in done.stderr
    assert time.time() >= before


def test_a_reboot_comes_back_as_another_boot(spare: Host) -> None:
    before = faults.boot_id(spare)
    ssh(spare, "sudo -n systemctl reboot")
    faults.rebooted(spare, before)
    assert faults.boot_id(spare) != before


def test_a_reboot_stays_off_when_told_so(spare: Host) -> None:
    with faults.no_restart(spare):
        ssh(spare, "sudo -n systemctl reboot")
        ends = time.monotonic() + 120
        while power.is_on(spare) and time.monotonic() < ends:
            time.sleep(0.1)
        assert not power.is_on(spare)
    with pytest.raises(LabError, match=r"new-3 \[power\] is off\. Fix: "):
        faults.run_in(spare, ["true"])


def test_a_power_cut_says_nothing_to_its_peers(spare: Host) -> None:
    with socket.create_connection((spare.address, 22), 30) as connection:
        assert connection.recv(4) == b"SSH-"
        while b"\n" not in connection.recv(256):
            pass
        faults.power_cut(spare)
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert not power.is_on(spare)


def test_a_frozen_host_accepts_and_says_nothing(spare: Host) -> None:
    faults.freeze(spare)
    with pytest.raises(TimeoutError):
        greeting(spare)
    faults.thaw(spare)
    eventually_greets(spare)


def test_a_frozen_host_can_be_stopped(spare: Host) -> None:
    faults.freeze(spare)
    lab.stop(spare)
    assert not cgroups.groups(spare)


def test_cut_refuse_and_mend(spare: Host) -> None:
    faults.cut(spare)
    with pytest.raises(TimeoutError):
        greeting(spare)
    faults.refuse(spare)
    with pytest.raises(ConnectionRefusedError):
        greeting(spare)
    faults.mend(spare)
    eventually_greets(spare)
    faults.mend(spare)


def test_full_disk_no_inodes_and_read_only(spare: Host) -> None:
    big = ["dd", "if=/dev/zero", "of=/srv/big", "bs=1k", "count=100"]
    with faults.full_disk(spare, "/srv"):
        assert "No space left" in faults.run_in(spare, big, check=False).stderr
    with faults.full_disk(spare, "/srv", size="1m", inodes=3):
        names = [f"/srv/{number}" for number in range(4)]
        assert "No space left" in faults.run_in(spare, ["touch", *names], check=False).stderr
    with faults.read_only(spare, "/srv"):
        assert "Read-only" in faults.run_in(spare, ["touch", "/srv/x"], check=False).stderr
    faults.run_in(spare, ["touch", "/srv/x"])


def test_snapshot_sees_files_packages_and_units(spare: Host) -> None:
    before = faults.snapshot(spare, times=True)
    assert faults.snapshot(spare, times=True) == before
    script = "echo a >/etc/new; chmod 0600 /etc/hostname; touch /var/lib/kubelet/x; systemctl -q mask cron.service"
    faults.run_in(spare, ["sh", "-c", script])
    after = faults.snapshot(spare, times=True)
    changed = {path for path, _ in before["files"].items() ^ after["files"].items()}
    assert changed == {"/etc/new", "/etc/hostname", "/var/lib/kubelet", "/etc/systemd/system/cron.service"}
    assert dict(after["units"].items() - before["units"].items()) == {"cron.service": "masked"}
    assert before["packages"]["sudo:amd64"].endswith("install ok installed")


def test_who_watches_a_host_sees_what_a_command_is_given_in_its_environment(spare: Host) -> None:
    token = "abcdef.0123456789abcdef"
    with watched([spare.name]) as seen:
        assert ssh(spare, f"TOKEN={token} sleep 1").returncode == 0
    assert seen == [token]


def test_reset_forgets_the_disk_and_keeps_the_host_key(spare: Host) -> None:
    faults.run_in(spare, ["touch", "/var/lib/containerd/old", "/etc/old"])
    lab.reset(spare)
    assert ssh(spare, "ls /etc/old /var/lib/containerd/old").returncode == 2


def test_a_killed_lab_is_cleared_at_the_next_start(spare: Host) -> None:
    init = cgroups.init(spare)
    assert init is not None
    nspawn = parent(init)
    supervisor = parent(nspawn)
    os.kill(supervisor, 9)
    while power.is_on(spare):
        time.sleep(0.05)
    assert Path(f"/proc/{init}").exists(), "the host should have outlived its supervisor"
    lab.start(spare)
    assert not alive(nspawn)
    assert ssh(spare, "true").returncode == 0


def alive(pid: int) -> bool:
    """Whether it runs; a killed process that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


def test_gpu_tools_answer_on_gpu_hosts_only() -> None:
    gpu, cpu = host("new-2"), host("new-1")
    uuids = faults.run_in(gpu, ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]).stdout.splitlines()
    assert len(set(uuids)) == 2
    listed = faults.run_in(gpu, ["nvidia-smi", "-L"]).stdout.splitlines()
    assert listed == [f"GPU {index}: NVIDIA A100-SXM4-80GB (UUID: {uuid})" for index, uuid in enumerate(uuids)]
    memory = faults.run_in(gpu, ["nvidia-smi", "-i", "1", "--query-gpu=index,memory.total", "--format=csv,nounits"])
    assert memory.stdout == "index, memory.total\n1, 81920\n"
    bad = faults.run_in(gpu, ["nvidia-smi", "--query-gpu=speed", "--format=csv"], check=False)
    assert (bad.returncode, bad.stdout) == (2, 'Field "speed" is not a valid field to query.\n')
    assert len(faults.run_in(gpu, ["lspci", "-nn", "-d", "10de:20b2"]).stdout.splitlines()) == 2
    assert "[10de:20b2] (rev a1)" in faults.run_in(gpu, ["lspci", "-nn"]).stdout
    assert faults.run_in(cpu, ["lspci", "-d", "10de:"]).stdout == ""
    assert faults.run_in(cpu, ["which", "nvidia-smi"], check=False).returncode == 1


def test_stop_leaves_nothing_of_a_host(spare: Host) -> None:
    lab.stop(spare)
    assert not cgroups.groups(spare)
    assert not Path("/sys/class/net", spare.link).exists()
    assert not power.is_on(spare)
