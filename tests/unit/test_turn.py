"""A node's turn in an upgrade: the script with a kubectl that keeps a node in files, and who is asked.

Does not prove: what the eviction API does (as test_node_drained.py), nor that jobs end.
"""

import asyncio
import subprocess
from pathlib import Path

import pytest

from components.gpu.pods import ASKED
from components.hostrun import ssh
from components.hostrun.step import content
from components.hostrun.target import Target
from components.kubernetes import turn
from components.kubernetes.rolling import Rolling
from components.kubernetes.turn import NoTurnError, Turns
from components.kubernetes.upgrade import Move
from tests.unit.planes import PLANES, second_answers

KUBECTL = """#!/bin/bash
cd "${0%/*}"
has() { [[ -e $1 ]]; }
case "$*" in
    *'/readyz') ;;
    *' drain '*) echo drain >>did; has keeps || exit 0; cat keeps; exit 1 ;;
    *' uncordon '*) echo uncordon >>did; rm -f cordoned ;;
    *' cordon '*) echo cordon >>did; touch cordoned ;;
    *' annotate '*'upgrade-') rm -f mark ;;
    *' annotate '*) sed 's/.*upgrade=//' <<<"$*" >mark ;;
    *nodeInfo*) cat version ;;
    *'@.type=="Ready"'*) echo 'Kubelet stopped posting node status.' ;;
    *'get nodes '*) ! has marked || cat marked ;;
    *'"gpu-metal/upgrade"'*) ! has silent || exit 1; ! has mark || cat mark ;;
    *restartPolicy*) if has unheard; then exit 1; fi; ! has jobs || cat jobs ;;
    *'get pods '*) ! has pods || cat pods ;;
    *'get node '*) has gone || echo "node$(! has cordoned || echo ' cordoned')$(has dark || echo ' ready')" ;;
esac
"""
JOB = "Running Never vision/train-7 cpu nvidia.com/gpu"


class Cluster:
    """Its folder has the node: files `version`, `cordoned`, `mark`, `dark`, `gone`, `jobs`, `pods`; `did` is a log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.put("kubectl", KUBECTL)
        self.put("sleep", "#!/bin/bash\n")
        self.put(
            "date", '#!/bin/bash\ncase $1 in +%H:%M) echo 14:05 ;; +%a) echo Mon ;; *) exec /bin/date "$@" ;; esac\n'
        )
        self.put("admin.conf", "x")
        self.put("version", "v1.33.13")

    def put(self, name: str, text: str = "") -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def has(self, name: str) -> str | None:
        file = self.folder / name
        return file.read_text().strip() if file.exists() else None

    def run(self, *words: str) -> str:
        text = (turn._WINDOW.read_bytes() + content(turn.SCRIPT)).decode()
        text = text.replace("/etc/kubernetes/admin.conf", str(self.folder / "admin.conf"))
        text = text.replace("seconds=60", "seconds=0")
        env = {"PATH": f"{self.folder}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        argv = ["/bin/bash", "-s", "--", *words]
        done = subprocess.run(argv, input=text, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def begin(self, minutes: str = "0", window: str = "", version: str = "1.34.2") -> str:
        (self.folder / "did").unlink(missing_ok=True)
        return self.run("begin", "gpu-1", version, "1", minutes, "|".join(ASKED), window, "gpu-1 gpu-2")

    def end(self) -> str:
        (self.folder / "did").unlink(missing_ok=True)
        return self.run("end", "gpu-1", "1.34.2", "0")


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


@pytest.mark.row("K9")
def test_a_node_is_emptied_and_takes_work_again_once_it_is_upgraded(cluster: Cluster) -> None:
    assert (cluster.begin(), cluster.has("did"), cluster.has("mark")) == ("", "cordon\ndrain", "1.34.2")
    late = cluster.end()
    assert late.startswith("no node gpu-1 is upgraded, but after 0 s is not Ready with 1.34.2: it runs v1.33.13, ")
    assert (cluster.has("did"), cluster.has("cordoned")) == (None, "")
    cluster.put("version", "v1.34.2")
    assert (cluster.end(), cluster.has("did"), cluster.has("mark")) == ("", "uncordon", None)
    assert (cluster.end(), cluster.has("did")) == ("", None)


@pytest.mark.row("K9")
def test_a_node_that_took_no_work_before_takes_none_afterwards(cluster: Cluster) -> None:
    cluster.put("cordoned")
    assert (cluster.begin(), cluster.has("mark")) == ("", "1.34.2 kept")
    assert (cluster.begin(), cluster.has("mark")) == ("", "1.34.2 kept")
    cluster.put("version", "v1.34.2")
    assert (cluster.end(), cluster.has("did"), cluster.has("cordoned"), cluster.has("mark")) == ("", None, "", None)


@pytest.mark.row("K9")
def test_a_run_that_was_killed_is_resumed_and_its_cordon_is_known_as_ours(cluster: Cluster) -> None:
    cluster.begin()
    cluster.put("dark")
    assert (cluster.begin(), cluster.has("did"), cluster.has("mark")) == ("", None, "1.34.2")
    (cluster.folder / "dark").unlink()
    cluster.put("version", "v1.34.2")
    assert (cluster.begin(), cluster.has("did")) == ("", None)
    assert (cluster.end(), cluster.has("did")) == ("", "uncordon")


@pytest.mark.row("K9")
def test_while_no_api_server_answers_a_turn_neither_begins_nor_ends(cluster: Cluster) -> None:
    """Else a node of ours would stay cordoned, and nobody would know."""
    cluster.begin()
    cluster.put("version", "v1.34.2")
    cluster.put("silent")
    for ask in (cluster.end, cluster.begin):
        with pytest.raises(subprocess.CalledProcessError):
            ask()
    (cluster.folder / "silent").unlink()
    assert (cluster.has("mark"), cluster.has("cordoned")) == ("1.34.2", "")
    assert (cluster.end(), cluster.has("did")) == ("", "uncordon")


@pytest.mark.row("K9")
def test_a_budget_that_keeps_a_pod_ends_the_turn_and_the_node_works_as_before(cluster: Cluster) -> None:
    cluster.put("pods", "Running -ReplicaSet vision/web-1")
    budget = 'error when evicting pods/"web-1" -n "vision": Cannot evict pod: it would violate the disruption budget.'
    cluster.put("keeps", budget)
    assert cluster.begin() == (
        "no node gpu-1 still has vision/web-1 after 1 s: a PodDisruptionBudget allows no eviction of vision/web-1. "
        "Nothing was changed there, and it takes work as before. Fix: end or move that work, or a longer "
        "kubernetes.rolling.drainTimeout; then pulumi up goes on"
    )
    assert (cluster.has("cordoned"), cluster.has("mark")) == (None, None)


@pytest.mark.row("K9")
def test_a_pod_that_nothing_would_start_again_is_not_helped_by_a_longer_time(cluster: Cluster) -> None:
    cluster.put("pods", "Running - vision/by-hand")
    cluster.put(
        "keeps", "error: cannot delete Pods that declare no controller (use --force to override): vision/by-hand"
    )
    said = cluster.begin()
    assert (
        "Fix: end them or move them, since nothing would start them elsewhere; jobs with GPUs: kubernetes.roll" in said
    )
    assert "drainTimeout" not in said


@pytest.mark.row("K16")
@pytest.mark.parametrize("word", ["nvidia.com/mig-1g.10gb", "resourceClaims", "note gpu-fraction", "gpu-memory"])
def test_every_way_to_have_a_gpu_is_a_job_with_gpus(cluster: Cluster, word: str) -> None:
    """Also a part of a GPU, of which Run:ai alone knows, and devices that are claimed."""
    cluster.put("sleep", '#!/bin/bash\n[[ $1 != 10 ]] || rm "${0%/*}/jobs"\n')
    cluster.put("jobs", f"Running Never vision/half {word}")
    assert (cluster.begin("60"), cluster.has("jobs")) == ("", None)
    for words in (
        "if .spec.resourceClaims}} resourceClaims",
        "range $key, $value := .metadata.annotations}} {{$key}}",
    ):
        assert words in content(turn.SCRIPT).decode()


@pytest.mark.row("K16")
def test_while_no_api_server_says_what_runs_nothing_is_moved(cluster: Cluster) -> None:
    cluster.put("unheard")
    cluster.put("sleep", '#!/bin/bash\n[[ $1 != 10 ]] || rm "${0%/*}/unheard"\n')
    assert (cluster.begin("60"), cluster.has("unheard"), cluster.has("did")) == ("", None, "cordon\ndrain")


@pytest.mark.row("K16")
def test_jobs_with_gpus_are_waited_for_and_nothing_else_is(cluster: Cluster) -> None:
    others = [
        "Running Always vision/web-1 nvidia.com/gpu",
        "Running Never vision/cpu-1 cpu",
        "Succeeded Never a/b nvidia.com/gpu",
    ]
    cluster.put("jobs", "\n".join(others))
    assert (cluster.begin("60"), cluster.has("did")) == ("", "cordon\ndrain")
    cluster.end()
    # The clock of the script runs on by itself; its limit is in minutes, so the stand-in of sleep lets the job end.
    cluster.put("jobs", JOB)
    cluster.put("sleep", '#!/bin/bash\nrm -f "${0%/*}/jobs"\n')
    assert (cluster.begin("60"), cluster.has("jobs"), cluster.has("did")) == ("", None, "cordon\ndrain")


@pytest.mark.row("K16")
def test_outside_the_window_no_node_begins(cluster: Cluster) -> None:
    said = cluster.begin(window="daily 22:00-04:00")
    assert said.startswith("no gpu-1 is to be upgraded, but only in the window daily 22:00-04:00: here it is ")
    assert (cluster.has("mark"), cluster.has("did")) == (None, None)
    assert cluster.begin(window="daily 14:00-15:00") == ""


@pytest.mark.row("K16")
def test_a_node_that_runs_the_version_already_waits_for_no_window(cluster: Cluster) -> None:
    """`sitectl drift --record` makes the state forget its version; and a run may be killed at its end."""
    cluster.put("version", "v1.34.2")
    assert (cluster.begin(window="daily 22:00-04:00"), cluster.has("did")) == ("", None)


@pytest.mark.row("K9")
def test_a_node_that_is_not_ready_or_newer_is_not_touched(cluster: Cluster) -> None:
    cluster.put("dark")
    assert cluster.begin().startswith(
        "no node gpu-1 is not Ready: Kubelet stopped posting node status. Nothing was changed"
    )
    (cluster.folder / "dark").unlink()
    cluster.put("version", "v1.34.3")
    assert cluster.begin().startswith("no node gpu-1 runs Kubernetes 1.34.3, wants 1.34.2; Kubernetes does not go back")
    cluster.put("version", "v1.32.0")
    assert "Fix: the newest 1.33 as kubernetes.version first" in cluster.begin()
    assert (cluster.has("mark"), cluster.has("did")) == (None, None)
    cluster.put("gone")
    assert (cluster.begin(), cluster.has("did")) == ("", None)


def turns(**more: object) -> Turns:
    return Turns("1.34.2", Rolling.model_validate(more), ("nvidia.com/gpu",), [Move("gpu-1", "worker", "1.33.13", 1)])


@pytest.mark.row("K9")
def test_the_control_planes_are_asked_in_turn_and_what_one_refuses_is_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_answers(tmp_path, monkeypatch, "#!/bin/bash\nexit 1\n")
    with pytest.raises(
        NoTurnError, match=r"gpu-1 \[upgrade\] no control plane could begin its turn: cp-1: \[address\].*cp-2: "
    ):
        asyncio.run(turns().begin(PLANES, "gpu-1"))
    asked: list[tuple[str, str, float]] = []

    async def run(target: Target, command: str, *, stdin: bytes, deadline: float) -> ssh.Result:
        assert stdin
        asked.append((target.name, command, deadline))
        return ssh.Result(0, "node/gpu-1 cordoned\nno node gpu-1 still has a/b\n", "")

    monkeypatch.setattr(ssh, "run", run)
    with pytest.raises(NoTurnError, match=r"^gpu-1 \[upgrade\] node gpu-1 still has a/b$"):
        asyncio.run(turns(drainTimeout=100, waitForJobs=2, window="Sun 02:00-05:00").begin(PLANES, "gpu-1"))
    words = "begin gpu-1 1.34.2 100 2 nvidia.com/gpu 'Sun 02:00-05:00' gpu-1"
    assert asked == [("cp-1", f"bash -s -- {words}", 400.0)]


@pytest.mark.row("K9")
def test_an_end_that_failed_is_tried_again_and_stops_the_next_node(cluster: Cluster) -> None:
    """To Pulumi it was a warning."""
    cluster.put("marked", "cp-1\ngpu-0 1.34.2\ngpu-2 1.34.2\ngpu-9 1.33.13\n")
    cluster.put("mark", "1.34.2")
    cluster.put("cordoned")
    cluster.put("version", "v1.34.2")
    # The stand-in has one node for all: gpu-0 ends its turn, and gpu-1 has its version.
    assert (cluster.begin(), cluster.has("did")) == ("", "uncordon")
    cluster.put("mark", "1.34.2")
    cluster.put("dark")
    assert cluster.begin().startswith("no node gpu-0 is upgraded, but after 0 s is not Ready with 1.34.2: ")
    assert cluster.has("did") is None


@pytest.mark.row("K16")
def test_what_may_go_on_beside_a_node_is_its_wave_and_all_later_ones() -> None:
    moves = [Move(f"cp-{n}", "control-plane", None, n) for n in (1, 2)]
    moves += [Move(f"gpu-{n}", "worker", None, 3 + n // 2) for n in range(4)]
    made = Turns("1.34.2", Rolling.model_validate({"atOnce": 2}), (), moves)
    assert made.open_at("cp-2") == ["cp-2", "gpu-0", "gpu-1", "gpu-2", "gpu-3"]
    assert made.open_at("gpu-0") == ["gpu-0", "gpu-1", "gpu-2", "gpu-3"]
    assert made.open_at("gpu-3") == ["gpu-2", "gpu-3"]
