"""Shifter with Slurm end to end: the sample site on the lab's hosts, grown, turned to another key, and gone.

munge, Slurm and its jobs are real; the source and gateway of Shifter are the lab's stand-in (lab/parts/shifter), the
database is FerretDB. Does not prove: Shifter's own build, real GPUs, a shared filesystem, a system of RHEL.
"""

import base64
import json
import secrets as random
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab import paths
from lab.hosts import faults, gpus, lab
from lab.hosts.inventory import GATEWAY
from lab.hosts.inventory import host as lab_host
from lab.parts.shifter import depot as shifter
from tests.lab.stack import ROOT, Stack, on, until
from tests.lab.test_racks import DEPOT, LEFT_BY_PACKAGES, accounts
from tests.scripts.lab_host import differences

pytestmark = [pytest.mark.lab, pytest.mark.hosts("rack-1", "rack-2", "rack-3", "rack-4")]

SAMPLE = ROOT / "components/platforms/shifter/sample.yaml"

PARKED: dict[str, Any] = {}
"""The platform's lines, while the site is without them."""
HEAD, LOGIN, NODES, ADDED = "rack-1", "rack-2", ("rack-3",), "rack-4"
UPGRADED = {"perl-base:amd64"}
"""The compilers' perl wants one of its own version: what a package needs is not undone."""
SITE = (HEAD, LOGIN, *NODES, ADDED)
NODE = {"cpus": 1, "memoryMb": 1000}
IMAGE = "docker:pause:3.10.1"


def site() -> dict[str, Any]:
    """The sample on the lab's addresses, its package source and its stand-in's source."""
    found: dict[str, Any] = YAML(typ="safe").load(SAMPLE)["config"]["gpu-metal:site"]
    for key in ("os", "timeServers"):
        del found[key]
    found |= {
        "knownHosts": str(paths.LAB / "known_hosts"),
        "firewall": {"kind": "nftables"},
        "ssh": {"user": "deploy", "keyFile": str(paths.LAB / "id_ed25519")},
        "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 2},
        "repositories": {"lab": DEPOT},
        "groups": {"compute": {"gpu": {"model": "A100-SXM4-80GB", "count": 8}}},
        "hosts": {
            HEAD: {"address": lab_host(HEAD).address},
            LOGIN: {"address": lab_host(LOGIN).address},
            **{name: {"group": "compute", "address": lab_host(name).address} for name in NODES},
        },
    }
    source = shifter.archive("22.02.1")
    gateway = {
        "host": HEAD,
        "index": shifter.INDEX,
        "mongodb": {"package": "ferretdb", "service": "ferretdb"},
        "locations": {f"{GATEWAY}:5000": {"url": f"http://{GATEWAY}:5000"}},
    }
    [platform] = found["platforms"]
    platform |= {
        "source": {"version": "22.02.1", "archive": {"url": source.url, "sha256": source.sha256}},
        "gateway": gateway,
        "runtimes": [LOGIN, "compute"],
        "images": {"path": "/scratch/shifter/images", "shared": False},  # the lab has no shared filesystem
        "slurm": {
            "controller": HEAD,
            "nodes": {"compute": NODE},
            "partitions": {"gpu": {"hosts": ["compute"], "default": True}},
            "settings": {"MinJobAge": "7200"},  # a slow run must not outlive the record of its jobs
        },
    }
    return found


@pytest.fixture(scope="module")
def clean() -> Iterator[dict[str, Any]]:
    """What the hosts were before."""
    lab.serve(lambda _: None)
    for place in SITE:
        lab.reset(lab_host(place))
    gpus.fit(lab_host(ADDED), "8 dgx-a100", gpus.DRIVER)
    yield {place: faults.snapshot(lab_host(place)) for place in SITE}
    for place in SITE:
        lab.stop(lab_host(place), grace=0)


@pytest.fixture(scope="module")
def people(clean: dict[str, Any]) -> dict[str, set[str]]:
    return {place: accounts(place) for place in clean}


@pytest.fixture(scope="module")
def keys() -> list[str]:
    """Two munge keys."""
    return [base64.b64encode(random.token_bytes(1024)).decode() for _ in range(2)]


@pytest.fixture(scope="module")
def stack(people: dict[str, set[str]], keys: list[str], tmp_path_factory: pytest.TempPathFactory) -> Stack:  # noqa: ARG001
    stack = Stack("shifter", tmp_path_factory.mktemp("shifter"))
    stack.create(site())
    stack.tell("mungeKey", keys[0])
    return stack


def platform(site: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = site["platforms"][0]
    return found


def started(place: str, unit: str) -> str:
    return on(place, ["systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", "--value", unit])


@pytest.mark.row("F1", "F2", "F3", "F4", "F5", "F6")
def test_one_up_brings_the_system(stack: Stack) -> None:
    stack.up().ok()
    assert json.loads(stack.sitectl("verify", "-o", "json").ok().out)["failures"] == []
    urns = [r["urn"].rpartition("::")[2] for r in stack.export()["deployment"]["resources"]]
    for place in (HEAD, LOGIN, *NODES):
        own = [urn for urn in urns if urn.startswith(f"{place}-")]
        assert 0 < len(own) <= 8, own


@pytest.mark.row("F6")
def test_a_job_that_asks_for_two_gpus_sees_two(stack: Stack) -> None:  # noqa: ARG001 - it is up
    seen = on(LOGIN, ["srun", "--gres=gpu:2", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES"], limit=120)
    assert seen.strip() == "0,1"


@pytest.mark.row("F5", "F6")
def test_an_image_is_pulled_and_its_name_reaches_the_task(stack: Stack) -> None:  # noqa: ARG001 - it is up
    pulled = on(LOGIN, ["shifterimg", "pull", IMAGE], limit=120)
    assert "READY" in pulled
    assert "pause:3.10.1" in on(LOGIN, ["shifterimg", "images"])
    seen = on(LOGIN, ["srun", f"--image={IMAGE}", "sh", "-c", "echo $SHIFTER_IMAGE"], limit=120)
    assert seen.strip()


@pytest.mark.row("F2")
def test_a_container_of_a_local_path_runs(stack: Stack) -> None:  # noqa: ARG001 - it is up
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]  # upstream's serves no root
    assert on(NODES[0], [*user, "shifter", "--image=local:/", "id", "-u"]).strip() == "65534"


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = {place: faults.snapshot(lab_host(place), times=True) for place in (LOGIN, *NODES)}
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()
    now = {place: faults.snapshot(lab_host(place), times=True) for place in (LOGIN, *NODES)}
    assert {place: differences(before[place], now[place]) for place in before} == {place: {} for place in before}


@pytest.mark.long
@pytest.mark.row("F6")
def test_a_compute_node_more(stack: Stack) -> None:
    def more(site: dict[str, Any]) -> None:
        site["hosts"][ADDED] = {"group": "compute", "address": lab_host(ADDED).address}

    stack.edit(more)
    stack.up().ok()
    hosts = on(LOGIN, ["srun", "--nodes=2", "--gres=gpu:1", "hostname"], limit=120).split()
    assert sorted(hosts) == sorted([*NODES, ADDED])


@pytest.mark.row("F4", "X2")
def test_a_new_munge_key_breaks_no_queue(stack: Stack, keys: list[str]) -> None:
    controller = started(HEAD, "slurmctld")
    nodes = on(HEAD, ["sinfo", "-h", "-N", "-o", "%N"]).split()
    all_of_them = ["--exclusive", f"--nodes={len(nodes)}"]
    jobs = [
        on(LOGIN, ["sbatch", "--parsable", *all_of_them, "-o", "/dev/null", "--wrap", script])
        for script in ("until [ -e /run/go ]; do sleep 0.2; done", "true")
    ]
    running, waiting = (job.strip() for job in jobs)
    until(lambda: state(running) == "RUNNING", what="the first job runs")
    stack.tell("mungeKey", keys[1])
    stack.up().ok()
    assert started(HEAD, "slurmctld") == controller
    for place in nodes:
        on(place, ["touch", "/run/go"])
    until(lambda: state(running) == state(waiting) == "COMPLETED", what="both jobs have ended")
    for place in (HEAD, LOGIN, *nodes):
        assert on(place, ["base64", "-w0", "/etc/munge/munge.key"]) == keys[1]
    seen = "".join(path.read_text(errors="replace") for path in stack.folder.rglob("*") if path.is_file())
    assert [key for key in keys if key in seen] == []


def state(job: str) -> str:
    shown = on(HEAD, ["scontrol", "show", "job", "-o", job])
    return next(word.partition("=")[2] for word in shown.split() if word.startswith("JobState="))


@pytest.mark.row("F2", "F5")
def test_udiroot_changes_and_another_system_than_the_gateways_is_mended_and_nothing_restarts(stack: Stack) -> None:
    before = {unit: started(NODES[0], unit) for unit in ("munge", "slurmd")}
    config = "/etc/shifter/udiRoot.conf"
    on(LOGIN, ["sed", "-i", "s/^system=.*/system=other/", config])
    drift = stack.sitectl("drift", "--record")
    assert drift.status == 1
    assert "udiRoot.conf" in drift.out

    def change(site: dict[str, Any]) -> None:
        platform(site).update(udiRoot={"siteEnv": {"SHIFTER_RUNTIME": "1", "RACK": "7"}})
        site["accounts"] = {"ana": {}}

    stack.edit(change)
    stack.up().ok()
    assert "system=greina" in on(LOGIN, ["cat", config])
    assert "ana:" in on(NODES[0], ["cat", "/etc/shifter/shifter_etc_files/passwd"]), "who is new starts containers too"
    assert "RACK=7" in on(NODES[0], ["cat", config])
    assert {unit: started(NODES[0], unit) for unit in before} == before


@pytest.mark.long
def test_a_node_leaves(stack: Stack) -> None:
    stack.edit(lambda site: site["hosts"].pop(ADDED))
    stack.up().ok()
    assert on(HEAD, ["sinfo", "-h", "-N", "-o", "%N"]).split() == list(NODES)
    assert "slurm" not in on(ADDED, ["sh", "-c", "dpkg -l | grep ^ii || true"])


def test_it_leaves_a_site_that_stays(stack: Stack) -> None:
    def without(site: dict[str, Any]) -> None:
        PARKED.update(platforms=site.pop("platforms"))
        site["hosts"].pop(ADDED, None)  # the long test has taken it out already

    stack.edit(without)
    stack.up().ok()
    look = "dpkg -l | grep -E '^ii +(slurm|munge)'; ls /etc/shifter; systemctl list-units --plain --no-legend *imagegw*"
    for place in SITE:
        assert on(place, ["sh", "-c", f"{look} || true"]) == "", place
    stack.sitectl("drift").ok()


def test_destroy_leaves_the_hosts_as_they_were(
    stack: Stack, clean: dict[str, Any], people: dict[str, set[str]]
) -> None:
    stack.destroy().ok()
    for place, before in clean.items():
        left = set(differences(before, faults.snapshot(lab_host(place)))) - LEFT_BY_PACKAGES - UPGRADED
        assert {path for path in left if not path.startswith(("/scratch", "/home/ana"))} == set(), (
            place
        )  # these are people's
        now = accounts(place)
        assert {line for line in now - people[place] if int(line.split(":")[2]) >= 1000} == set(), place


@pytest.mark.long
def test_it_comes_up_again(stack: Stack) -> None:
    stack.edit(lambda site: site.update(PARKED))
    stack.up().ok()
    assert on(HEAD, ["systemctl", "is-active", "slurmctld"]).strip() == "active"
    stack.up("--expect-no-changes").ok()
