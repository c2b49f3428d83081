"""Hosts, GPUs and engines end to end: the preparation that three of the source documents ask of their hosts.

One `up` from bare hosts to ready ones: nouveau gone by a reboot, driver, Docker, registry. One of them takes passwords
only, one is behind a bastion. The site is tests/sites/good/racks.yaml on the lab's addresses. Does not prove: real GPUs
and kernels, vm.* settings.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab import paths
from lab.hosts import faults, gpus, lab
from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE, GATEWAY
from lab.hosts.inventory import host as lab_host
from tests.lab.ntp import time_server
from tests.lab.stack import ROOT, Stack, on, password_only
from tests.scripts.lab_host import differences

pytestmark = [pytest.mark.lab, pytest.mark.hosts("rack-1", "rack-2", "rack-3", "rack-4")]

PLACES = {"db-1": "rack-1", "node-1": "rack-2", "zeus": "rack-4"}
"""The sample's hosts, and where they are in the lab. db-1 gets GPUs, nouveau at work, and no driver."""
PASSWORDS = {"sqreamPassword": "horse battery", "registryPassword": "staple correct", "nodePassword": "tr0ub4dor"}
CLOCK = "10.213.77.2"
"""A time server of these tests: others have theirs on the gateway's address."""
BASTION = "rack-3"
"""Zeus is reached through it."""
LEFT_BY_PACKAGES = {
    *("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"),  # their system users
    *("/etc/default/nfs-common.ucf-dist", "/etc/xml"),
}
"""What Debian's own packages leave after a purge."""
DISK = "/root/disk.img"
DEPOT = {"url": f"http://{GATEWAY}:8080/apt", "suite": "./", "keyFile": str(paths.LAB / "apt" / "key.asc")}


def site(device: str) -> dict[str, Any]:
    """The sample on the lab's addresses, with the lab's package source and time."""
    found: dict[str, Any] = YAML(typ="safe").load(ROOT / "tests/sites/good/racks.yaml")["config"]["gpu-metal:site"]
    found |= {
        "knownHosts": str(paths.LAB / "known_hosts"),
        "ssh": {"user": "deploy", "keyFile": str(paths.LAB / "id_ed25519")},
        "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 2},
        "timeServers": [CLOCK],
        "dns": {"servers": name_servers(), "search": [found["domain"]]},
        "interfaces": {"internal": "host0"},  # no mtu: to measure it takes ping, which a bare host here has not
        "repositories": {"nvidia-driver": DEPOT, "nvidia-toolkit": None},
    }
    found["proxy"]["noProxy"] = [GATEWAY, *mirrors()]
    found["engine"] |= {"cgroupDriver": "cgroupfs", "insecureRegistries": [f"{GATEWAY}:5000"]}
    found["engine"].pop("verifyImage")
    for host, place in PLACES.items():
        found["hosts"][place] = found["hosts"].pop(host) | {"address": lab_host(place).address}
    found["modules"] = ["overlay", "squashfs"]  # the lab's kernel has these built in, and no others
    found["groups"]["compute"].pop("modules")
    found["packages"] = ["@nfs-client", "psmisc"]  # not the compilers: nothing here is built, and they take minutes
    found["groups"]["compute"]["packages"] = ["squashfs-tools"]
    found["hosts"][PLACES["node-1"]]["ssh"] = {"keyFile": None, "passwordSecret": "nodePassword"}
    found["hosts"][PLACES["zeus"]]["ssh"] = {"bastion": {"address": lab_host(BASTION).address, "user": "deploy"}}
    found["registry"]["host"] = PLACES["zeus"]
    [disk] = found["groups"]["database"].pop("disks")  # a loop device would not outlive db-1's reboot
    found["groups"]["compute"]["disks"] = [disk | {"device": device, "owner": "shifter"}]
    return found


def name_servers() -> list[str]:
    """Those that the lab's hosts have been given."""
    return [line.split()[1] for line in on(BASTION, ["cat", "/etc/resolv.conf"]).splitlines() if "nameserver" in line][
        :3
    ]


def mirrors() -> list[str]:
    """Host names of Debian's mirrors, as the hosts' own apt has them."""
    targets = on(BASTION, ["apt-get", "indextargets", "--format", "$(SITE)"]).split()
    return sorted({url.split("/")[2].partition(":")[0] for url in targets})


@pytest.fixture(scope="module")
def clean() -> Iterator[dict[str, Any]]:
    """What each host was before."""
    lab.serve(lambda _: None)
    for place in (*PLACES.values(), BASTION):
        lab.reset(lab_host(place))
    gpus.fit(lab_host(PLACES["db-1"]), "8 dgx-a100 nouveau=on")
    password_only(PLACES["node-1"], PASSWORDS["nodePassword"])
    run("ip", "address", "replace", f"{CLOCK}/32", "dev", BRIDGE)
    with time_server(CLOCK):
        yield {place: faults.snapshot(lab_host(place)) for place in PLACES.values()}
    for place in (*PLACES.values(), BASTION):
        lab.stop(lab_host(place), grace=0)


@pytest.fixture(scope="module")
def people(clean: dict[str, Any]) -> dict[str, set[str]]:  # noqa: ARG001 - at the same moment
    return {place: accounts(place) for place in PLACES.values()}


@pytest.fixture(scope="module")
def loop_device(clean: dict[str, Any]) -> Iterator[str]:  # noqa: ARG001 - after it was looked at
    """An empty disk of node-1."""
    place, file = PLACES["node-1"], DISK
    nodes = "for n in {0..31}; do mknod /dev/loop$n b 7 $n; done; mknod /dev/loop-control c 10 237"
    device = on(place, ["bash", "-ec", f"{nodes}; truncate -s 64M {file}; losetup --find --show {file}"]).strip()
    yield device
    on(place, ["sh", "-c", f"losetup -d {device}; rm -f {file}"])


@pytest.fixture(scope="module")
def stack(people: dict[str, set[str]], loop_device: str, tmp_path_factory: pytest.TempPathFactory) -> Stack:  # noqa: ARG001
    stack = Stack("racks", tmp_path_factory.mktemp("racks"))
    stack.create(site(loop_device))
    for name, password in PASSWORDS.items():
        words = ["pulumi", "config", "set", "--secret", "--config-file", str(stack.file), "--stack", stack.name, name]
        stack.run(*words, stdin=password).ok()
    return stack


@pytest.mark.row("H1", "G2", "G3", "H13")
def test_one_up_prepares_bare_hosts_through_a_reboot_on_eight_connections(stack: Stack) -> None:
    before = {place: boot_id(place) for place in PLACES.values()}
    stack.up().ok()
    logins = {place: logged_in(place) for place in PLACES.values()}
    assert {place: count for place, count in logins.items() if not 0 < count <= 8} == {}
    restarted = {place for place in PLACES.values() if boot_id(place) != before[place]}
    assert restarted == {PLACES["db-1"]}
    assert json.loads(stack.sitectl("verify", "-o", "json").ok().out)["failures"] == []


def boot_id(place: str) -> str:
    return on(place, ["cat", "/proc/sys/kernel/random/boot_id"])


def logged_in(place: str) -> int:
    """How often, since the host was installed."""
    return on(place, ["journalctl", "--no-pager", "-q", "-o", "cat", "-u", "ssh"]).count("Accepted p")


def test_a_host_costs_six_resources(stack: Stack) -> None:
    urns = [r["urn"].rpartition("::")[2] for r in stack.export()["deployment"]["resources"]]
    for place in PLACES.values():
        own = [urn for urn in urns if urn.startswith(f"{place}-")]
        assert 0 < len(own) <= 6, own


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = {place: faults.snapshot(lab_host(place), times=True) for place in PLACES.values()}
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()
    assert {place: faults.snapshot(lab_host(place), times=True) for place in PLACES.values()} == before


@pytest.mark.row("G1", "G6")
def test_facts_tell_what_was_prepared(stack: Stack) -> None:
    facts = json.loads(stack.sitectl("facts", "-o", "json").ok().out)
    db = facts[PLACES["db-1"]]
    assert db["gpus"]["count"] == 8
    assert db["gpus"]["driver"].startswith("580.")


def test_what_leaves_the_site_leaves_the_hosts(stack: Stack) -> None:
    database, compute = PLACES["db-1"], PLACES["node-1"]

    def smaller(site: dict[str, Any]) -> None:
        group = site["groups"]["database"]
        del group["accounts"], group["tuned"], site["groups"]["compute"]["disks"]
        del site["timezone"]

    assert "sqream" in on(database, ["getent", "passwd"])
    assert "/media/sqreamdb" in on(compute, ["cat", "/proc/self/mounts"])
    stack.edit(smaller)
    stack.up().ok()
    assert "sqream" not in on(database, ["getent", "passwd"])
    assert "/media/sqreamdb" not in on(compute, ["cat", "/proc/self/mounts", "/etc/fstab"])
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("X2")
def test_no_password_is_readable(stack: Stack) -> None:
    places = {str(p): p.read_text(errors="replace") for p in stack.folder.rglob("*") if p.is_file()}
    for place in PLACES.values():
        places[place] = on(place, ["sh", "-c", "journalctl --no-pager -o cat; cat -v /var/lib/gpu-metal/ledger/*"])
    assert [(place, name) for place, text in places.items() for name, word in PASSWORDS.items() if word in text] == []


def accounts(place: str) -> set[str]:
    """Users and groups, a line each."""
    return set(on(place, ["cat", "/etc/passwd", "/etc/group"]).splitlines())


def test_destroy_leaves_the_hosts_as_they_were(
    stack: Stack, clean: dict[str, Any], people: dict[str, set[str]]
) -> None:
    stack.destroy().ok()
    on(PLACES["node-1"], ["rm", "-f", DISK])  # the disk was ours
    for place, before in clean.items():
        assert set(differences(before, faults.snapshot(lab_host(place)))) <= LEFT_BY_PACKAGES, place
        now = accounts(place)
        assert people[place] <= now, place
        assert {line for line in now - people[place] if int(line.split(":")[2]) >= 1000} == set(), place
