"""Orchestra end to end: the sample site on a host of the lab, edited, drifted, mended, gone and there again.

PostgreSQL and systemd are real, Orchestra and pgAdmin are the lab's stand-ins. What the steps do in particular:
../scripts. Does not prove: upstream's own code, jobs in Kubernetes, a database on another host.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab import paths
from lab.hosts import lab
from lab.parts.orchestra import depot
from tests.lab.stack import ROOT, Stack, on
from tests.scripts.lab_host import HOST

pytestmark = [pytest.mark.lab]

SAMPLE = ROOT / "components/platforms/orchestra/sample.yaml"
PLACE = HOST.name


def site(known: Path | str) -> dict[str, Any]:
    """The sample on one host of the lab, with its stand-in's source; the other machines are rows only."""
    found: dict[str, Any] = YAML(typ="safe").load(SAMPLE)["config"]["gpu-metal:site"]
    for key in ("os", "timeServers"):
        del found[key]
    found |= {
        "knownHosts": str(known),
        "ssh": {"user": "deploy", "keyFile": str(paths.LAB / "id_ed25519")},
        "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 2},
        "hosts": {PLACE: {"address": HOST.address, "roles": []}},
    }
    [platform] = found["platforms"]
    platform |= {
        "host": PLACE,
        "source": {"archive": {"url": depot.URL, "sha256": depot.sha256()}},
        "index": depot.INDEX,
        "nodes": {"node02": {"cpu": 4, "maxGpu": 0}, "cessy": {"cpu": 2, "gpu": 1, "maxGpu": 1}},
    }
    del platform["kubeconfigSecret"]
    return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    lab.serve(lambda _: None)
    lab.reset(HOST)
    folder = tmp_path_factory.mktemp("orchestra")
    stack = Stack("orchestra", folder)
    stack.create(site(shutil.copy(paths.LAB / "known_hosts", folder)))
    stack.tell("orchestraDatabase", "a-password-of-the-lab")
    stack.tell("pgadminPassword", "a-password-of-pgadmin")
    yield stack
    lab.stop(HOST, grace=0)


def sql(text: str) -> list[str]:
    words = ["runuser", "-u", "postgres", "--", "psql", "-XAtqd", "orchestra", "-c", text]
    return on(PLACE, words).splitlines()


ROWS = 'SELECT name, "CPUJobs", "GPUJobs", "maxCPUJobs", "maxGPUJobs", "queueName" FROM node ORDER BY name'


@pytest.mark.row("T1", "T2", "T3", "T4")
def test_one_up_brings_database_tables_and_pilot(stack: Stack) -> None:
    stack.up().ok()
    assert sql(ROWS) == ["cessy|2|1|30|1|lps", "node02|4|0|30|0|lps"]
    verified = json.loads(stack.sitectl("verify", "-o", "json").ok().out)
    assert verified["failures"] == []
    units = ["orchestra-pilot", "orchestra-backup.timer", "orchestra-pgadmin"]
    assert on(PLACE, ["systemctl", "is-active", *units]) == "active\n" * 3
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("T3")
def test_a_row_that_is_edited_stands_in_the_plan_and_nothing_restarts(stack: Stack) -> None:
    started = on(PLACE, ["systemctl", "show", "-p", "MainPID", "orchestra-pilot"])
    stack.edit(lambda site: site["platforms"][0]["nodes"].update(node02={"cpu": 6, "maxGpu": 0}))
    diff = stack.preview("--diff").ok().text
    assert "orchestra_node" in diff
    assert "machine=node02 cpu=6 gpu=0 max_cpu=30 max_gpu=0 queue=lps" in diff
    stack.up().ok()
    assert sql(ROWS) == ["cessy|2|1|30|1|lps", "node02|6|0|30|0|lps"]
    assert on(PLACE, ["systemctl", "show", "-p", "MainPID", "orchestra-pilot"]) == started


@pytest.mark.row("T3")
def test_a_change_in_the_table_is_drift_and_the_next_up_mends_it(stack: Stack) -> None:
    sql("""UPDATE node SET "GPUJobs" = 0 WHERE name = 'cessy'""")
    drift = stack.sitectl("drift")
    assert drift.status == 1
    assert "table node has for cessy GPUJobs 0, wants 1" in drift.text
    stack.sitectl("drift", "--record")
    stack.up().ok()
    assert sql(ROWS) == ["cessy|2|1|30|1|lps", "node02|6|0|30|0|lps"]


@pytest.mark.row("T1", "T2", "T4")
def test_destroyed_it_leaves_its_data(stack: Stack) -> None:
    sql("INSERT INTO job (status) VALUES ('kept')")
    stack.destroy().ok()
    assert on(PLACE, ["sh", "-c", "ls -d /opt/* /var/lib/orchestra-*; ls /var/lib/postgresql/15"]) == "orchestra\n"


@pytest.mark.long
@pytest.mark.row("T1", "T2", "T4")
def test_it_comes_up_again_on_its_data(stack: Stack) -> None:
    stack.up().ok()
    assert sql("SELECT status FROM job") == ["kept"]
    stack.sitectl("drift").ok()
