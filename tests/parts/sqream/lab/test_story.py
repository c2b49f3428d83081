"""SQream in Docker end to end: the sample site on a host with GPUs, from bare to upgraded and gone.

The installer, its console and images are the lab's stand-in (lab/parts/sqream). Does not prove: the vendor's own
product, real GPUs, a server of RHEL.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.platforms.sqream.prepare import SYSCTL
from lab import paths
from lab.hosts import faults, lab
from lab.hosts.inventory import host as lab_host
from lab.parts.sqream import depot as sqream
from tests.lab.stack import ROOT, Stack, on, until
from tests.lab.test_racks import DEPOT, LEFT_BY_PACKAGES, accounts
from tests.scripts.lab_host import differences

pytestmark = [pytest.mark.lab, pytest.mark.hosts("db-1", "db-2")]

SAMPLE = ROOT / "components/platforms/sqream/sample.yaml"

DB = "db-1"
OTHER = "db-2"
"""A second host with GPUs, for workers only."""
PARKED: dict[str, Any] = {}
"""The platform's lines, while the site is without them."""
PASSWORD = "horse battery"
OWN_SETTINGS = """\
for key in "$@"; do
    cat "/proc/sys/${key//.//}" >"/run/$key"
    mount --bind "/run/$key" "/proc/sys/${key//.//}"
done
"""
"""Memory settings belong to the whole machine, where other tests' tuned writes them too: these hosts get their own."""


def installer(package: str) -> dict[str, str]:
    return {"package": package, "url": sqream.url(package), "sha256": sqream.sha256(package)}


def site() -> dict[str, Any]:
    """The sample on the lab's addresses, with its package source and the stand-in's first version."""
    found: dict[str, Any] = YAML(typ="safe").load(SAMPLE)["config"]["gpu-metal:site"]
    for key in ("os", "timeServers", "repositories"):
        del found[key]
    found |= {
        "knownHosts": str(paths.LAB / "known_hosts"),
        "ssh": {"user": "deploy", "keyFile": str(paths.LAB / "id_ed25519")},
        "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 2},
        "repositories": {"nvidia-toolkit": DEPOT},
        "engine": {"kind": "docker", "package": "docker.io", "cgroupDriver": "cgroupfs"},
    }
    host = found["hosts"].pop(DB)
    del host["disks"]
    host["gpu"] = {"model": "A100-SXM4-80GB", "count": 8}  # with a driver of its own, as DGX OS has
    found["hosts"][DB] = host | {"address": lab_host(DB).address}
    found["platforms"][0] |= {"host": DB, "installer": installer(sqream.FIRST)}
    del found["platforms"][0]["window"]
    return found


@pytest.fixture(scope="module")
def clean() -> Iterator[dict[str, Any]]:
    """What the hosts were before."""
    lab.serve(lambda _: None)
    for place in (DB, OTHER):
        lab.reset(lab_host(place))
        faults.run_in(lab_host(place), ["bash", "-euc", OWN_SETTINGS, "_", *SYSCTL])
    yield {place: faults.snapshot(lab_host(place)) for place in (DB, OTHER)}
    for place in (DB, OTHER):
        lab.stop(lab_host(place))


@pytest.fixture(scope="module")
def people(clean: dict[str, Any]) -> dict[str, set[str]]:
    return {place: accounts(place) for place in clean}


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    return {
        "sqreamPassword": PASSWORD,
        "sqreamLicense": base64.b64encode(sqream.license_package()).decode(),
    }


@pytest.fixture(scope="module")
def stack(people: dict[str, set[str]], secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Stack:  # noqa: ARG001
    stack = Stack("sqream", tmp_path_factory.mktemp("sqream"))
    stack.create(site())
    for name, value in secrets.items():
        stack.tell(name, value)
    return stack


def platform(site: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = site["platforms"][0]
    return found


def containers(place: str = DB) -> dict[str, tuple[str, str]]:
    """Image and id of each running container, by name."""
    lines = on(place, ["docker", "ps", "--no-trunc", "--format", "{{.Names}} {{.Image}} {{.ID}}"]).splitlines()
    return {name: (image, id_) for name, image, id_ in (line.split() for line in lines)}


def worker(number: int) -> str:
    return f"sqream_single_host_worker_{number}"


@pytest.mark.row("Q1", "Q2", "Q3", "Q5", "Q6", "Q7")
def test_one_up_brings_the_database(stack: Stack) -> None:
    stack.up().ok()
    running = containers()
    assert {worker(0), worker(1), "sqream_single_host_master"} <= set(running)
    assert {image for name, (image, _) in running.items() if "single_host" in name} == {"sqream:2019.2.1"}
    assert json.loads(stack.sitectl("verify", "-o", "json").ok().out)["failures"] == []
    urns = [r["urn"].rpartition("::")[2] for r in stack.export()["deployment"]["resources"]]
    assert len([urn for urn in urns if urn.startswith(f"{DB}-")]) <= 8


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = containers(), faults.snapshot(lab_host(DB), times=True)
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()
    assert (containers(), faults.snapshot(lab_host(DB), times=True)) == before


@pytest.mark.long
@pytest.mark.row("Q7")
def test_a_worker_that_died_comes_back_and_one_that_was_stopped_is_drift(stack: Stack) -> None:
    before = containers()
    on(DB, ["docker", "kill", worker(1)])
    until(lambda: containers().get(worker(1), before[worker(1)]) != before[worker(1)], what="systemd starts it anew")
    on(DB, ["systemctl", "stop", "gpu-metal-sqream-worker-5001"])
    drift = stack.sitectl("drift")
    assert drift.status == 1
    assert "worker on port 5001" in drift.text
    stack.sitectl("drift", "--record")
    stack.up().ok()
    now = containers()
    assert set(now) == set(before)
    assert [name for name in now if now[name] != before[name]] == [worker(1)]


@pytest.mark.long
@pytest.mark.row("Q6")
def test_a_worker_more_with_a_setting_touches_no_other(stack: Stack) -> None:
    before = containers()
    more = {"gpu": 1, "spoolGb": 1, "settings": {"cudaMemQuota": 45}}
    stack.edit(lambda site: platform(site)["workers"].append(more))
    stack.up().ok()
    now = containers()
    assert set(now) - set(before) == {worker(2)}
    assert {name: now[name] for name in before} == before


@pytest.mark.long
@pytest.mark.row("Q6")
def test_a_second_host_works_for_the_same_master(stack: Stack) -> None:
    before = containers()

    def more(site: dict[str, Any]) -> None:
        first = site["hosts"][DB]
        site["hosts"][OTHER] = {"address": lab_host(OTHER).address, "gpu": dict(first["gpu"])}
        platform(site)["workerHosts"] = {OTHER: {"workers": [{"gpu": 0}]}}

    stack.edit(more)
    stack.up().ok()
    assert {name for name in containers(OTHER) if "worker" in name} == {"sqream_distributed_worker_0"}
    assert containers() == before
    stack.up("--expect-no-changes").ok()


@pytest.mark.long
@pytest.mark.row("Q8")
def test_an_upgrade_stops_before_metadata_that_nobody_agreed_to(stack: Stack) -> None:
    stack.edit(lambda site: platform(site).update(installer=installer(sqream.NEXT)))
    refused = stack.up()
    assert refused.status != 0
    assert "metadataChange" in refused.text
    assert {image for name, (image, _) in containers().items() if "single_host" in name} == {"sqream:2019.2.1"}
    stack.edit(lambda site: platform(site).update(metadataChange="2020.3"))
    stack.up().ok()
    for place, name in ((DB, "sqream_single_host"), (OTHER, "sqream_distributed")):
        images = {image for each, (image, _) in containers(place).items() if each.startswith(name)}
        assert images == {"sqream:2020.3"}, place
    stack.sitectl("drift").ok()
    stack.up("--expect-no-changes").ok()


@pytest.mark.long
@pytest.mark.row("Q3")
def test_an_expired_licence_is_said(stack: Stack, secrets: dict[str, str]) -> None:
    before = containers()
    stack.tell("sqreamLicense", base64.b64encode(sqream.license_package(expires="2020-01-01")).decode())
    refused = stack.up()
    assert refused.status != 0
    assert "2020-01-01" in refused.text
    assert containers() == before
    stack.tell("sqreamLicense", secrets["sqreamLicense"])
    stack.up().ok()


@pytest.mark.row("X2")
def test_no_secret_is_readable(stack: Stack, secrets: dict[str, str]) -> None:
    seen = {str(path): path.read_text(errors="replace") for path in stack.folder.rglob("*") if path.is_file()}
    for place in (DB, OTHER):
        ledgers = "cat -v /var/lib/gpu-metal/ledger/* 2>/dev/null || true"
        seen[place] = on(place, ["sh", "-c", f"journalctl --no-pager -o cat; {ledgers}"])
    assert [(place, name) for place, text in seen.items() for name, word in secrets.items() if word in text] == []


def people_now(place: str, before: dict[str, set[str]]) -> set[str]:
    """Users that came since."""
    return {line.split(":")[0] for line in accounts(place) - before[place] if int(line.split(":")[2]) >= 1000}


@pytest.mark.long
@pytest.mark.row("Q7")
def test_a_host_of_workers_leaves_and_what_they_ran_as_after_them(stack: Stack, people: dict[str, set[str]]) -> None:
    before = containers()
    assert "sqream" in people_now(OTHER, people)
    stack.edit(lambda site: platform(site).pop("workerHosts"))
    said = stack.up().ok().text
    assert "waits until this has left: sqream" in said
    assert "sqream" not in people_now(OTHER, people)
    assert on(OTHER, ["sh", "-c", "ls /etc/systemd/system | grep -c sqream; docker ps -aq 2>/dev/null"]) == "0\n"
    assert containers() == before
    stack.sitectl("drift").ok()
    stack.up("--expect-no-changes").ok()


def test_it_leaves_a_site_that_stays(stack: Stack) -> None:
    stack.edit(lambda site: PARKED.update(platforms=site.pop("platforms")))
    stack.up().ok()
    assert containers() == {}
    assert on(DB, ["sh", "-c", "systemctl list-units --plain --no-legend '*sqream*' | wc -l"]) == "0\n"
    names = {r["urn"].rpartition("::")[2] for r in stack.export()["deployment"]["resources"]}
    assert {f"{place}-{layer}" for place in (DB, OTHER) for layer in ("sqream", "sqream-run")} & names == set()
    stack.sitectl("drift").ok()


def test_destroy_leaves_the_hosts_as_they_were(
    stack: Stack, clean: dict[str, Any], people: dict[str, set[str]]
) -> None:
    stack.destroy().ok()
    for place, before in clean.items():
        left = set(differences(before, faults.snapshot(lab_host(place)))) - LEFT_BY_PACKAGES
        assert {path for path in left if not path.startswith("/media")} == set(), place  # the database's own data stays
        assert people_now(place, people) == set(), place


@pytest.mark.long
def test_it_comes_up_again_on_the_data_that_stayed(stack: Stack) -> None:
    stack.edit(lambda site: site.update(PARKED))
    stack.up().ok()
    assert containers()
    stack.up("--expect-no-changes").ok()
