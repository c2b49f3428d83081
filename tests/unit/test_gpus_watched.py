"""Nodes that have lost GPUs: which control planes look, and what the program there does. kubectl is a stand-in.

Does not prove: kubectl's own templates and the taint in a cluster; tests/plugins/test_gpus_watched.py does.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.gpu import pods
from components.parts import gpu_taints
from stacks.load import site_from
from stacks.plan import node
from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/gpus_watched.sh"
OFFERS = "gpu-1 nvidia.com/gpu 8\ngpu-2 nvidia.com/gpu 2\n"
PROGRAM = "/usr/local/bin/gpu-metal-gpus-watched"
TAINT = "gpu-metal/gpu-lost"
KUBECTL = """
case $* in
    *get*spec.taints*capacity* | *get*capacity*) cat "$ROOT/nodes" ;;
    *get*) cat "$ROOT/tainted" ;;
    *) echo "${*: -3}" >>"$ROOT/done" ;;
esac"""
SYSTEMCTL = """
case $1 in
    is-failed) exit 1 ;;
    show) echo no ;;
    *) echo "$*" >>"$ROOT/systemctl" ;;
esac"""


class Plane(StepHost):
    """A control plane with the step applied."""

    def nodes(self, first: int, second: int, *tainted: str) -> None:
        """What both nodes offer now; -1 is a plugin that never came."""
        rows = ""
        for name, full, offered in (("gpu-1", 8, first), ("gpu-2", 2, second)):
            if offered >= 0:
                rows += f"has {name} nvidia.com/gpu {full}\noffers {name} nvidia.com/gpu {offered}\n"
        self.file("/nodes", rows + "".join(f"taint {name} {TAINT}\n" for name in tainted))

    def looks(self, times: int = 1) -> list[str]:
        """What it changed in so many looks."""
        self.file("/done", "")
        for _ in range(times):
            done = subprocess.run(
                [self.path(PROGRAM)],
                env={"PATH": f"{self.root}/bin:/usr/bin:/bin", "ROOT": str(self.root)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        return self.path("/done").read_text().splitlines()


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    made = Plane(tmp_path, environment={"ROOT": str(tmp_path)})
    made.program("kubectl", KUBECTL)
    made.program("systemctl", SYSTEMCTL)
    for name in ("nodes", "tainted", "done"):
        made.file(f"/{name}", "")
    assert made.call(STEP, "apply", bulk={"offers": OFFERS}) == (0, "")
    return made


@pytest.mark.row("M2")
def test_a_node_that_has_lost_a_gpu_takes_no_new_pods_until_it_is_back(plane: Plane) -> None:
    plane.nodes(8, 2)
    assert plane.looks(4) == []
    plane.nodes(7, 2)
    assert plane.looks(2) == [], "a device plugin that restarts is away for a moment"
    assert plane.looks() == [f"gpu-1 {TAINT}=true:NoSchedule --overwrite"]
    plane.nodes(7, 2, "gpu-1")
    assert plane.looks(4) == [], "once is enough"
    plane.nodes(8, 2, "gpu-1")
    assert plane.looks() == [f"node gpu-1 {TAINT}:NoSchedule-"]
    plane.nodes(7, 2)
    assert plane.looks(2) == [], "counted anew"


@pytest.mark.row("M2")
def test_a_gap_starts_the_count_again_and_a_plugin_that_never_came_is_let_be(plane: Plane) -> None:
    for first in (7, 7, 8, 7, 7):
        plane.nodes(first, -1)
        assert plane.looks() == []
    plane.nodes(8, -1, "gpu-2")
    assert plane.looks(3) == [], "its taint stays too: nobody knows its GPUs"


def test_a_node_that_is_watched_no_more_is_free(plane: Plane) -> None:
    plane.nodes(8, 2, "gpu-2")
    assert plane.call(STEP, "apply", bulk={"offers": OFFERS.splitlines(keepends=True)[0]}) == (0, "")
    assert plane.looks() == [f"node gpu-2 {TAINT}:NoSchedule-"]


@pytest.mark.row("M2")
def test_the_folder_of_runs_that_it_makes_after_a_restart_is_root_s_alone(plane: Plane) -> None:
    """Secrets for a join come into it."""
    folder = plane.path("/run/gpu-metal")
    shutil.rmtree(folder)
    plane.looks()
    assert oct(folder.stat().st_mode) == "0o40700"


@pytest.mark.row("M2", "X22")
def test_drift_names_the_node_and_the_step_is_undone_with_its_taints(plane: Plane) -> None:
    bulk = {"offers": OFFERS}
    assert plane.call(STEP, "check", bulk=bulk) == (0, "")
    plane.file("/tainted", "gpu-1\n")
    status, said = plane.call(STEP, "check", bulk=bulk)
    text = (
        "gpu-1: offers fewer GPUs than the site says, and takes no new pods. Fix: there, dmesg | grep -i -e nvrm -e xid"
    )
    assert (status, said.strip("\x02\n")) == (0, text)
    plane.file(PROGRAM, "spoilt")
    assert f"{PROGRAM} is not the one" in plane.call(STEP, "check", bulk=bulk)[1]
    plane.file("/done", "")
    assert plane.call(STEP, "undo", bulk=bulk)[0] == 0
    assert plane.path("/done").read_text() == f"node gpu-1 {TAINT}:NoSchedule-\n"
    left = [str(path) for path in plane.root.rglob("*gpus-watched*")]
    assert left == []


def planned(folder: Path, **said: Any) -> dict[str, list[str]]:
    gpu = {"model": "T4", "count": 2, "toolkit": {}, "taintLost": True}
    hosts = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "gpu-1": {"address": "10.0.0.21", "gpu": gpu},
        "gpu-2": {"address": "10.0.0.22", "gpu": gpu | {"taintLost": False}},
    }
    site = site_from({"hosts": hosts, "kubernetes": {}, **said}, stack="lab", folder=folder, keys=False)
    found = {host.name: [step for step in node(site, host) if step.id == "gpus_watched"] for host in site.active}
    [key] = gpu_taints.more(pods.with_gpus(site.hosts))
    assert key["key"] == TAINT == pods.LOST, "what brings the GPUs comes back"
    return {name: [step.bulk["offers"] for step in steps] for name, steps in found.items()}


@pytest.mark.row("M2")
def test_control_planes_look_at_the_nodes_of_hosts_that_say_so(tmp_path: Path) -> None:
    assert planned(tmp_path, devicePlugin={}) == {"cp-1": ["gpu-1 nvidia.com/gpu 2\n"], "gpu-1": [], "gpu-2": []}
