"""The machine's config as steps: which, in what order, with what. That they hold is proven in tests/scripts."""

from typing import Any

import pytest

from components.host import machine_steps
from components.host.config import Host
from components.hostrun.step import Step, command_line, payload
from components.kubernetes import needed as kubernetes


def site_host(**more: Any) -> Host:
    values = {"name": "gpu-1", "address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA", **more}
    return Host.model_validate(values)


def ids(steps: list[Step]) -> list[str]:
    return [step.id for step in steps]


def test_a_host_that_says_nothing_gets_nothing() -> None:
    host = site_host()
    assert machine_steps.machine(host) == machine_steps.preflight(host) == []
    for piece in (machine_steps.modules, machine_steps.sysctl, machine_steps.limits, machine_steps.tuned):
        assert piece(host) == []
    assert machine_steps.target(host) == machine_steps.services(host) == []


def test_accounts_come_after_their_groups_and_sudo() -> None:
    host = site_host(
        ssh={"user": "ops"},
        accountGroups={"hpc": 3000, "art": None},
        accounts={"zoe": {"groups": ["hpc", "docker"]}, "ops": {"sudo": "always", "keys": ["ssh-ed25519 AAAA a", "k"]}},
    )
    steps = machine_steps.accounts(host)
    assert ids(steps) == [
        *("account_group#art", "account_group#hpc", "account_group#docker", "packages#sudo"),
        *("account#ops", "account_sudo#ops", "account#zoe", "account_sudo#zoe"),
    ]
    assert steps[1].inputs == {"name": "hpc", "gid": "3000"}
    assert steps[2].inputs == {"name": "docker", "system": "yes"}
    ops, zoe = steps[4], steps[6]
    assert (ops.inputs["login"], ops.bulk) == ("yes", {"keys": "ssh-ed25519 AAAA a\nk"})
    assert (zoe.inputs["login"], zoe.inputs["groups"], zoe.bulk) == ("no", "hpc docker", {})
    assert "keys" not in zoe.inputs


def test_nobody_with_sudo_needs_no_sudo_and_a_docker_group_of_the_site_is_its_own() -> None:
    host = site_host(accountGroups={"docker": 2000}, accounts={"zoe": {"groups": ["docker"]}})
    assert ids(machine_steps.accounts(host)) == ["account_group#docker", "account#zoe", "account_sudo#zoe"]


def test_a_password_goes_by_the_name_of_its_secret_and_stdin_alone() -> None:
    steps = machine_steps.accounts(site_host(accounts={"zoe": {"passwordSecret": "zoePassword"}}))
    account = steps[0]
    assert account.secrets == {"password": "zoePassword"}
    assert account.inputs["password"] == "yes"
    assert "zoePassword" not in command_line("base", steps)
    assert payload(steps, {"zoePassword": "hunter2"}) == "secret account#zoe password 1\nhunter2\n"


def test_an_outer_mount_comes_before_one_below_it() -> None:
    disks = [
        {"device": "/dev/sdb", "mount": "/data/hot", "filesystem": "xfs", "options": ["noatime", "discard"]},
        {"device": "/dev/sdc", "mount": "/data", "owner": "zoe"},
    ]
    steps = machine_steps.disks(site_host(disks=disks))
    assert ids(steps) == ["packages#filesystems", "disk_mount#data", "disk_mount#data:hot"]
    assert steps[0].inputs["names"] == "@ext4 @xfs"
    assert steps[1].inputs["owner"] == "zoe"
    assert steps[2].inputs["options"] == "noatime,discard"
    assert ids(machine_steps.preflight(site_host(disks=disks))) == ["disk_free#data", "disk_free#data:hot"]


@pytest.mark.parametrize(
    ("said", "off", "in_cluster"), [(None, False, True), ("off", True, True), ("keep", False, False)]
)
def test_swap_goes_where_the_site_or_kubernetes_wants_it_gone(said: str | None, off: bool, in_cluster: bool) -> None:
    host = site_host(swap=said)
    assert bool(machine_steps.swap(host)) is off
    assert bool(machine_steps.swap(kubernetes.prepare(host))) is in_cluster


def test_the_hosts_own_kernel_settings_come_over_those_of_the_layers() -> None:
    host = site_host(modules=["loop", "overlay"], sysctl={"vm.swappiness": "10", "net.ipv4.ip_forward": "0"})
    host = kubernetes.prepare(host)
    [modules] = machine_steps.modules(host)
    assert modules.inputs == {"names": "overlay br_netfilter loop"}
    [sysctl] = machine_steps.sysctl(host)
    assert sysctl.inputs == {**kubernetes.SYSCTL, "net.ipv4.ip_forward": "0", "vm.swappiness": "10"}


def test_the_rest_says_what_the_site_says() -> None:
    host = site_host(
        locale="en_US.UTF-8",
        timezone="UTC",
        limits={"nofile": 9, "core": -1},
        tuned="throughput-performance",
        target="multi-user",
        servicesOff=["abrt*", "apport"],
        swap="off",
    )
    assert ids(machine_steps.machine(host)) == ["locale", "packages#timezone", "timezone", "swap_off"]
    assert [step.inputs for step in machine_steps.limits(host)] == [
        {"core": "-1", "nofile": "9", "login": host.ssh.user}
    ]
    package, tuned = machine_steps.tuned(host)
    assert (package.inputs["names"], tuned.inputs) == ("@tuned", {"profile": "throughput-performance"})
    assert [step.inputs for step in machine_steps.target(host)] == [{"name": "multi-user"}]
    assert [step.inputs for step in machine_steps.services(host)] == [{"units": "abrt* apport"}]
