"""The lab as a whole: it starts once, refuses a machine that cannot carry it before any change, and leaves nothing.

Not proven here: the installation of what is missing (this machine has it all), machines with cgroup v2 only.
"""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lab import paths
from lab.hosts import cgroups, faults, lab, machine, network, settings
from lab.hosts.inventory import BRIDGE, HOSTS, NETWORK, LabError

pytestmark = [pytest.mark.lab, pytest.mark.alone]

SITE = [one for one in HOSTS.values() if one.starts_with_lab]


@pytest.fixture(scope="module", autouse=True)
def _up() -> None:
    lab.up(lambda _: None)


def lab_command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_up_changes_nothing() -> None:
    before = [cgroups.init(one) for one in SITE]
    done = lab_command("up")
    assert done.returncode == 0, done.stderr
    assert "runs already" in done.stderr
    assert [cgroups.init(one) for one in SITE] == before


def test_keys_are_private_and_made_once(tmp_path: Path) -> None:
    folder = tmp_path / ("of a name too long for a socket" * 3) / "lab"  # GnuPG's agent listens in its home
    assert lab_command("keys", GPU_METAL_LAB=str(folder)).returncode == 0
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for one in HOSTS.values():
        public = (folder / "host-keys" / f"{one.name}.pub").read_text().split()[:2]
        lines = (folder / "known_hosts").read_text().splitlines()
        assert " ".join([one.address, *public]) in lines
        assert " ".join([one.name, *public]) in lines
    assert lab_command("keys", GPU_METAL_LAB=str(folder)).returncode == 0
    assert {path: path.read_bytes() for path in files} == files


def test_without_root_it_says_so_and_names_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match=r"lab \[root\] .* user 1000\. Fix: run it as root\. .*`make preview`"):
        lab.up(lambda _: None)


def test_what_cannot_be_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.PACKAGES, "gm-no-such-program", "gm-no-such-package")
    with pytest.raises(LabError, match=r"lab \[packages\] .*gm-no-such-package cannot be installed .*`make preview`"):
        machine.prepare()


def test_a_machine_without_apt_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"lab \[apt\] .* Fix: use a Debian machine\. .*`make preview`"):
        machine.prepare()


def test_an_address_that_the_machine_routes_is_left_alone() -> None:
    route = ["blackhole", str(next(NETWORK.subnets())), "table", "9977"]  # a table that no rule looks into
    subprocess.run(["ip", "route", "add", *route], check=True)
    try:
        with pytest.raises(LabError, match=rf"lab \[address\] .*{NETWORK}.* Fix: .*`make preview`"):
            machine.prepare()
    finally:
        subprocess.run(["ip", "route", "del", *route], check=True)


def test_another_folders_lab_is_not_touched(tmp_path: Path) -> None:
    done = lab_command("host", "start", SITE[0].name, GPU_METAL_LAB=str(tmp_path))
    assert done.returncode == 1
    assert "lab [one-lab]" in done.stderr
    assert not list(tmp_path.iterdir())


def test_down_leaves_nothing_and_up_brings_the_same_hosts_back() -> None:
    identity = faults.run_in(SITE[0], ["cat", "/etc/machine-id"]).stdout
    before = settings.noted()
    lab.down(lambda _: None)
    try:
        assert {name: settings.value(name) for name in before} == before
        assert not Path("/sys/class/net", BRIDGE).exists()
        assert not paths.RUN.exists()
        assert str(paths.DISKS) not in mounts_of_all()
        assert not [group for one in HOSTS.values() for group in cgroups.groups(one)]
        rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        assert network.TABLE not in rules
        assert BRIDGE not in rules
        lab.down(lambda _: None)
    finally:
        lab.up(lambda _: None)
    assert faults.run_in(SITE[0], ["cat", "/etc/machine-id"]).stdout == identity


def mounts_of_all() -> str:
    """The mounts of every process: those of a namespace that nobody looks into would count too."""
    found = []
    for mounts in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found.append(mounts.read_text())
        except OSError:
            continue  # the process ended while we looked
    return "".join(found)
