"""When an engine may change under containers with GPUs, and under the pods of a cluster's node.

Does not prove: how containers with GPUs and the pods' processes are found (tests/scripts).
"""

from pathlib import Path

import pytest

from components.engine import steps
from components.hostrun.step import content
from tests.unit.step_host import StepHost

STEP = Path(steps.__file__).parent / "steps/engine_at_rest.sh"
WANTED = "containerd=2.4.2-1"
KUBECTL = """
folder=${0%/bin/*}
if [[ -e $folder/silent ]]; then echo 'The connection was refused' >&2; exit 1; fi
case "$*" in *'get node'*) cat "$folder/node" ;; *'get pods'*) cat "$folder/pods" ;; esac
"""
"""What an API server says of this node and its pods: the files `node` and `pods`."""


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    """gpu-1, a member of a cluster, at work, with containerd 1.6.20 and no container with a GPU."""
    found = StepHost(tmp_path)
    found.file("/etc/kubernetes/kubelet.conf", "x")
    found.program("kubectl", KUBECTL)
    found.program("uname", "echo gpu-1")
    found.program("pgrep", '[[ -e ${0%/bin/*}/shims ]] && grep -qE "${@: -1}" "${0%/bin/*}/shims"')
    found.file("/shims", "/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id 0123 -address /run/containerd.sock\n")
    found.file("/node", "open")
    found.file("/pods", "ReplicaSet default/work\nDaemonSet kube-system/plugin\nNode kube-system/etcd\n")
    return found


def check(
    host: StepHost, names: str = WANTED, *, there: str = "containerd=1.6.20", gpus: str = "", verb: str = "apply"
) -> tuple[int, str]:
    """As the engine's step. `gpus`: containers with GPUs, and `losing` where a reload would cost them theirs."""
    name, _, version = there.partition("=")
    known = f"pkg_version() {{ [[ $1 != {name} ]] || echo {version}; }}\n"
    known += f"pkg_right() {{ [[ $1 == {name} || $1 == {there} ]]; }}\n"
    known += (
        f"gpu_containers() {{ [[ -n '{gpus}' && ( ${{1-}} != losing || '{gpus}' == *losing* ) ]] && echo plugin; }}\n"
    )
    script = host.path("/at_rest.sh")
    script.write_text(f"{content(STEP).decode()}\n{known}")
    inputs = {"names": names, "engine": "containerd", "replaces": "containerd moby-containerd runc"}
    return host.call(script, "check", inputs, verb=verb)


@pytest.mark.row("G8", "C1")
@pytest.mark.parametrize(
    ("turn", "gpus", "status"), [("", "one", 10), (f"{WANTED} kept", "one", 0), (WANTED, "losing", 10)]
)
def test_pods_of_daemonsets_stay_on_a_node_in_its_turn_if_they_keep_their_gpus(
    host: StepHost, turn: str, gpus: str, status: int
) -> None:
    host.file("/node", f"cordoned {turn}")
    host.file("/pods", "DaemonSet kube-system/plugin\n")
    if not turn:
        host.path("/etc/kubernetes/kubelet.conf").unlink()
    seen, said = check(host, gpus=gpus)
    assert (seen, "containers with GPUs run: plugin" in said) == (status, status == 10)


@pytest.mark.row("C1", "K16")
@pytest.mark.parametrize("node", ["open", "open 1.34.2", "open containerd=2.1.5-1", "cordoned"])
def test_a_node_at_work_without_its_turn_keeps_its_engine(host: StepHost, node: str) -> None:
    host.file("/node", node)
    status, said = check(host)
    assert status == 10
    assert said.startswith(
        "containerd is to change from 1.6.20 to 2.4.2-1 under running pods, and node gpu-1 has no turn and "
    )
    why = "still has pods (1, as default/work)" if node == "cordoned" else "takes work"
    assert f"{why}. pulumi up gives a turn only to members that" in said
    assert (
        "of this one: kubectl drain gpu-1 --ignore-daemonsets --delete-emptydir-data; pulumi up; kubectl uncordon"
        in said
    )


@pytest.mark.row("C1", "K16")
def test_another_package_in_its_place_is_such_a_change_too(host: StepHost) -> None:
    status, said = check(host, "containerd.io")
    assert (status, said.startswith("containerd 1.6.20 is to be replaced by containerd.io under running pods")) == (
        10,
        True,
    )
    host.file("/node", "cordoned containerd.io")
    assert check(host, "containerd.io") == (0, "")


@pytest.mark.row("C1", "K16")
def test_a_node_in_its_turn_or_drained_by_hand_gets_it(host: StepHost) -> None:
    host.file("/node", f"open {WANTED}")
    assert check(host) == (0, "")
    host.file("/node", "cordoned")
    host.file("/pods", "DaemonSet kube-system/plugin\nNode kube-system/etcd\n")
    assert check(host) == (0, "")
    host.file("/node", "")
    assert check(host) == (0, ""), "the cluster has no such node"


@pytest.mark.row("C1", "K16")
def test_what_no_api_server_shows_is_not_taken_for_a_turn(host: StepHost) -> None:
    host.file("/silent", "")
    status, said = check(host)
    assert (status, "and the API server does not show node gpu-1: The connection was refused" in said) == (10, True)


@pytest.mark.row("C1")
@pytest.mark.parametrize("lacking", ["/shims", "/etc/kubernetes/kubelet.conf"])
def test_where_no_pod_runs_or_no_cluster_is_nobody_is_asked(host: StepHost, lacking: str) -> None:
    host.path(lacking).unlink()
    assert check(host) == (0, "")


@pytest.mark.row("C1")
def test_a_first_installation_and_a_package_that_stays_are_no_change(host: StepHost) -> None:
    assert check(host, there="podman=4.3") == (0, "")
    assert check(host, there=WANTED) == (0, "")
    assert check(host, "containerd") == (0, "")
    assert check(host, verb="check") == (0, ""), "the step `packages` says that it differs"
