"""A drained node, by the step's own functions and a kubectl that answers as a cluster would.

Does not prove: what the eviction API does (tried by hand against a kube-apiserver), nor a kubelet that ends its pods.
"""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.host.config import Host
from components.hostrun.step import Step
from components.kubernetes import steps
from components.kubernetes.rolling import Rolling
from ops.scan import addressed
from tests.unit import fake_hosts
from tests.unit.fake_hosts import Sitectl

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/node_drained.sh"
RUN = """
set -euo pipefail; shopt -s inherit_errexit
input() {
    case $1 in
        node) echo gpu-1 ;;
        seconds) echo 300 ;;
        minutes) echo "${MINUTES-0}" ;;
        gpus) echo 'nvidia.com/gpu|gpu-fraction' ;;
        *) echo "${TAINTS-}" ;;
    esac
}
untrue() { echo "untrue: $*"; }
sleep() { SECONDS=$((SECONDS + 100)); }
verb() { echo apply; }
exec 3>&2
. LIB
. "$1"
cluster_api() {
    local words="$*"
    echo "kubectl $words" >&3
    case $words in
        "get node "*.spec.taints*) printf '%b' "${SEEN-}" ;;
        "get node "*) echo "$NODE" ;;
        "get pods "*restartPolicy*) printf '%b' "${JOBS-}" ;;
        "get pods "*) printf '%b' "$PODS" ;;
        *" drain "*) printf '%b' "$DRAIN"; [[ -z $DRAIN ]] ;;
    esac
}
eval "$2"
""".replace("LIB", str(STEP.parents[1] / "lib.sh"))
PODS = "\\n".join(
    [
        "Running -ReplicaSet vision/train-7",
        "Running -DaemonSet gpu/plugin",
        "Running -NodeMirror kube-system/etcd",
        "Succeeded -Job a/b",
        "",
    ]
)
BUDGET = (
    'error when evicting pods/"train-7" -n "vision" (will retry after 5s): Cannot evict pod as it would violate the '
    "pod's disruption budget.\\nerror: drain did not complete"
)
BARE = "error: cannot delete cannot delete Pods that declare no controller (use --force to override): vision/bare"


def ran(
    function: str, node: str = "node cordoned ready", pods: str = "", drain: str = "", **more: str
) -> tuple[int, str]:
    env = {"PATH": "/usr/bin:/bin", "NODE": node, "PODS": pods, "DRAIN": drain, **more}
    argv = ["bash", "-c", RUN, "bash", str(STEP), function]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def host(**more: Any) -> Host:
    return Host.model_validate({"name": "gpu-1", "address": "10.0.0.21", "hostKey": "", **more})


def untrue(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("untrue")]


@pytest.mark.row("K8")
def test_only_a_drained_host_has_the_step_and_it_comes_after_its_node() -> None:
    def names(of: list[Step]) -> list[str]:
        return [step.script.stem for step in of]

    assert names(steps.members([host(state="drained")])) == ["node_member", "node_drained"]
    assert names(steps.members([host()])) == ["node_member"]
    # what the node is beside that does not change: its labels and taints stay
    assert steps.members([host(state="drained")])[0] == steps.members([host()])[0]


@pytest.mark.row("K8")
def test_what_is_drained_has_no_work_left_but_daemons() -> None:
    assert untrue(ran("check")[1]) == []
    assert untrue(ran("check", "node ready")[1]) == ["untrue: node gpu-1 takes new work"]
    assert untrue(ran("check", pods=PODS)[1]) == ["untrue: node gpu-1 still has vision/train-7"]
    assert untrue(ran("check", "")[1]) == ["untrue: the cluster has no node gpu-1"]


def test_it_is_cordoned_before_it_is_drained() -> None:
    status, said = ran("apply")
    assert status == 0
    assert said.index("cordon gpu-1") < said.index("drain gpu-1 --ignore-daemonsets")


@pytest.mark.row("K8")
def test_nothing_is_evicted_from_a_dead_node() -> None:
    status, said = ran("apply", "node cordoned", PODS)
    assert status == 0
    assert "kubectl cordon gpu-1" in said
    assert " drain " not in said
    assert "node gpu-1 is not Ready: it takes no new work, and its pods stay as they are" in said
    assert untrue(ran("check", "node cordoned", PODS)[1]) == []


@pytest.mark.row("K8")
def test_a_budget_that_blocks_is_named_with_its_pods() -> None:
    status, said = ran("apply", pods=PODS, drain=BUDGET)
    assert status == 1
    assert said.count("waits for node gpu-1: a PodDisruptionBudget allows no eviction of vision/train-7") == 1
    last = said.splitlines()[-1]
    assert "still has vision/train-7: a PodDisruptionBudget allows no eviction of vision/train-7. Fix: end or" in last
    assert "uncordon" not in said


def test_pods_that_nobody_would_start_again_are_not_waited_for() -> None:
    status, said = ran("apply", pods=PODS, drain=BARE)
    assert status == 1
    assert said.count(" drain gpu-1") == 1
    assert "declare no controller" in said.splitlines()[-1]


@pytest.mark.row("K8", "K16")
def test_jobs_with_gpus_have_the_time_that_the_site_gives() -> None:
    status, said = ran("apply", JOBS="Running Never a/train nvidia.com/gpu\n", MINUTES="10")
    assert status == 1
    assert " drain " not in said
    assert "after 10 min still has jobs with GPUs: a/train. Fix: end them, or a longer kubernetes.rolling." in said
    for jobs in (
        "Running Never a/other cpu\n",
        "Running Always a/served nvidia.com/gpu\n",
        "Succeeded Never a/done gpu-fraction\n",
    ):
        status, said = ran("apply", JOBS=jobs, MINUTES="10")
        assert (status, " drain gpu-1" in said) == (0, True)
    # Nobody waits for jobs on a node that is dead, nor when the site gives no time.
    assert ran("apply", "node cordoned", JOBS="Running Never a/train nvidia.com/gpu\n", MINUTES="10")[0] == 0
    assert ran("apply", JOBS="Running Never a/train nvidia.com/gpu\n")[0] == 0


@pytest.mark.row("K8", "K16")
def test_the_site_says_how_long_a_drain_may_take() -> None:
    def drained(**more: int) -> dict[str, str]:
        rolling = Rolling.model_validate(more)
        return dict(steps.members([host(state="drained")], rolling=rolling, gpus=["a", "b"])[1].inputs)

    assert drained() == {"node": "gpu-1", "seconds": "300", "limit": "900"}
    long = drained(drainTimeout=3600, waitForJobs=120)
    assert long == {"node": "gpu-1", "seconds": "3600", "minutes": "120", "gpus": "a|b", "limit": "11400"}


@pytest.mark.row("K8")
def test_taints_of_platforms_come_when_the_work_has_moved_and_go_with_the_state(tmp_path: Path) -> None:
    taints, there = "runai=drain:NoExecute,other=:NoExecute", "a=b:NoSchedule\\nrunai=drain:NoExecute\\n"
    status, said = ran("apply", TAINTS=taints)
    given = "kubectl taint node gpu-1 --overwrite other:NoExecute runai=drain:NoExecute"
    assert status == 0
    assert said.index(" drain gpu-1") < said.index(given)
    assert given not in ran("apply", pods=PODS, drain=BUDGET, TAINTS=taints)[1]
    assert given in ran("apply", "node cordoned", PODS, TAINTS=taints)[1]
    lacks = ["untrue: node gpu-1 has no taint other:NoExecute"]
    assert untrue(ran("check", TAINTS=taints, SEEN=there)[1]) == lacks
    script = tmp_path / "step.sh"
    (tmp_path / "admin.conf").write_text("x")
    script.write_text(STEP.read_text().replace("/etc/kubernetes/admin.conf", str(tmp_path / "admin.conf")))
    env = {"PATH": "/usr/bin:/bin", "NODE": "node cordoned ready", "TAINTS": taints, "SEEN": there}
    argv = ["bash", "-c", RUN, "bash", str(script), "undo"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert "kubectl taint node gpu-1 runai:NoExecute-\n" in done.stderr


@pytest.mark.row("K8")
def test_undone_it_takes_work_again(tmp_path: Path) -> None:
    script = tmp_path / "step.sh"
    (tmp_path / "admin.conf").write_text("x")
    script.write_text(STEP.read_text().replace("/etc/kubernetes/admin.conf", str(tmp_path / "admin.conf")))
    argv = ["bash", "-c", RUN, "bash", str(script), "undo"]
    for node, asked in {"node cordoned ready": True, "": False}.items():
        env = {"PATH": "/usr/bin:/bin", "NODE": node, "PODS": "", "DRAIN": ""}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
        assert ("kubectl uncordon gpu-1" in done.stderr) is asked


@pytest.fixture
def sitectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sitectl:
    made = fake_hosts.sitectl(tmp_path, monkeypatch)
    text = fake_hosts.SITE.replace("192.0.2.22,", "192.0.2.22, state: drained,")
    (made.folder / "Pulumi.dev.yaml").write_text(text)
    return made


@pytest.mark.row("K8")
def test_verify_shows_a_drained_node_as_such_and_asks_its_host(sitectl: Sitectl) -> None:
    answer = sitectl.json("verify", "gpu-2")
    [ready] = [check for check in answer["checks"] if check["id"] == "node-ready"]
    assert (ready["status"], ready["saw"]) == ("ok", "drained, as the site says: it takes no new work")
    assert ("gpu-2", "bash -s") in sitectl.hosts.asked
    told = "hosts.gpu-2: drained; without its state, the next pulumi up gives it work again."
    assert told in sitectl("validate").stdout


def test_a_drained_host_keeps_its_host_key_known() -> None:
    assert list(addressed({"gpu-1": host(state="drained")}, str)) == ["gpu-1"]
