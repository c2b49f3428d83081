"""A node that is taken out, by the step's own functions and a kubectl that fails now and then.

Does not prove: that a real node is drained (tests/scripts/test_kubernetes_steps.py).
"""

import subprocess
from pathlib import Path

import pytest

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/node_member.sh"
# As child.sh runs a step.
RUN = """
set -euo pipefail; shopt -s inherit_errexit
input() {
    case $1 in
        node) echo gpu-1 ;;
        roles) echo "$ROLES" ;;
        taints) echo node-role.kubernetes.io/control-plane:NoSchedule ;;
        *) printf '%s\\n' "${2-}" ;;
    esac
}
previous() { printf '%s\\n' "${2-}"; }
untrue() { echo "untrue: $*"; exit 10; }
sleep() { :; }
GPU_METAL_HOME=/nowhere
[[ -z $LEASE ]] || LEASE=$(date -u -d "$LEASE" +%FT%T)
exec 3>&2
. "$1"
node_seen() {
    echo "node_seen $1" >&3
    if [[ "get node " == *$FAILS* ]]; then return 1; fi
    echo "ready $READY"
}
once() { "${@:2}"; }
cluster_api() {
    local words="$*"
    echo "kubectl $words" >&3 # as the step keeps what drain says
    case $words in
        *$FAILS*) return 1 ;;
        *"get node "*) echo node/gpu-1 ;;
        *"get lease"*) [[ -z $LEASE ]] || echo "$LEASE.$(date "+${RENEWS:-0}")Z" ;;
    esac
}
eval "$2"
"""


def ran(
    function: str, fails: str, lease: str = "now", roles: str = "worker", ready: str = "", renews: str = ""
) -> tuple[int, str]:
    """Exit status, and what was said and asked."""
    env = {"PATH": "/usr/bin:/bin", "FAILS": fails, "LEASE": lease, "ROLES": roles, "READY": ready, "RENEWS": renews}
    argv = ["bash", "-c", RUN, "bash", str(STEP), function]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.row("K10")
@pytest.mark.parametrize(
    ("lease", "how"), [("now", "drain gpu-1"), ("2 minutes ago", "delete pods"), ("", "delete pods")]
)
def test_work_moves_off_a_living_node_and_is_forgotten_of_a_dead_one(lease: str, how: str) -> None:
    status, said = ran("_take_out", "nothing", lease)
    assert status == 0
    assert [line for line in ("drain gpu-1", "delete pods") if line in said] == [how]
    assert said.index(how) < said.index("delete node gpu-1")


@pytest.mark.row("K10")
@pytest.mark.parametrize("clock", ["2 days ago", "2 days"])
def test_a_living_node_whose_clock_is_wrong_is_drained_and_a_dead_one_is_not(clock: str) -> None:
    """Its pods would be deleted by force while they run."""
    for renews, how in (("%N", "drain gpu-1"), ("", "delete pods")):
        status, said = ran("_take_out", "nothing", clock, renews=renews)
        assert status == 0
        assert [line for line in ("drain gpu-1", "delete pods") if line in said] == [how]


@pytest.mark.row("K10")
def test_a_lease_that_cannot_be_read_is_no_dead_node() -> None:
    status, said = ran("_take_out", "get lease")
    assert status == 0
    assert "drain gpu-1" in said
    assert "--force" not in said


@pytest.mark.row("K10")
def test_a_node_that_cannot_be_read_is_not_taken_out_undrained() -> None:
    status, said = ran("_take_out", "get node")
    assert status == 1
    assert "delete node" not in said


def test_an_api_server_that_does_not_answer_says_nothing_of_a_node() -> None:
    status, said = ran("check", "get node")
    assert status == 1
    assert "untrue" not in said


def test_a_taint_that_the_site_names_too_is_set_once() -> None:
    """kubectl refuses to set a taint twice."""
    assert ran("_taints", "nothing", roles="control-plane") == (0, "node-role.kubernetes.io/control-plane:NoSchedule\n")


NOT_READY = "label a=b\nready False container runtime network not ready"


@pytest.mark.parametrize(("lease", "words"), [("now", "is not Ready yet (its kubelet"), ("", "is not Ready:")])
def test_a_state_that_passes_by_itself_is_called_that(lease: str, words: str) -> None:
    status, said = ran(f"_faults '{NOT_READY}'", "nothing", lease)
    assert status == 0
    assert f"node gpu-1 {words}" in said
    assert "container runtime network not ready" in said


@pytest.mark.row("K5")
def test_a_node_that_never_becomes_ready_ends_the_run_with_its_reason_and_the_next_run_goes_on() -> None:
    never = "False container runtime network not ready: cni plugin not initialized"
    clock = "unset SECONDS; SECONDS=0; sleep() { SECONDS=$((SECONDS + $1)); }\n"
    status, said = ran(f"{clock}apply", "nothing", ready=never)
    assert status == 1
    why = "container runtime network not ready: cni plugin not initialized"
    assert said.count(f"waits for node gpu-1: {why}") == 1
    assert f"node gpu-1 is not Ready after 300 s: {why}. Fix: there, journalctl -u kubelet -n 50" in said
    assert "delete" not in said, "what lets the node in stays valid: it may have to join again"
    assert ran("check", "nothing", ready=never)[0] == 10
    status, said = ran(f"{clock}apply", "nothing", ready="True kubelet is posting ready status")
    assert (status, "waits for" in said) == (0, False)


@pytest.mark.row("K10")
def test_a_member_of_etcd_with_another_address_than_the_site_s_is_known_by_its_name() -> None:
    """Of a cluster that others made."""
    members = '{"ID":"1","name":"cp-1","peerURLs":["https://10.0.0.1:2380"],"clientURLs":["https://10.0.0.1:2379"]}\n'
    members += '{"ID":"3","name":"gpu-1","peerURLs":["https://192.168.0.3:2380"],"clientURLs":["https://b:2379"]}'
    stand_in = 'etcd_call() { echo "etcd $*" >&3; [[ $* != */health ]]; }\n'
    status, said = ran(f"{stand_in}_leave_etcd '{members}'", "nothing", roles="control-plane")
    assert (status, said.count("etcd ")) == (0, 1)
    assert 'member/remove --data {"ID":"3"}' in said
    status, said = ran(f"{stand_in}_keeps_quorum '{members}'", "nothing", roles="control-plane")
    assert (status, said.splitlines()[0]) == (1, "etcd https://10.0.0.1:2379/health")
    assert "gpu-1 stays: etcd has 2 members, and of the 1 others only 0 answer" in said


@pytest.mark.row("K10")
@pytest.mark.parametrize(
    ("verb", "refuse", "ends"),
    [("remove", "10.0.0.1 10.0.0.2", True), ("remove", "10.0.0.1", False), ("undo", "10.0.0.1 10.0.0.2", False)],
)
def test_the_cluster_ends_with_the_last_control_plane_of_a_site_that_is_destroyed(
    verb: str, refuse: str, ends: bool
) -> None:
    """Those that were removed a moment before it are still members of etcd."""
    name = '{{"ID":"{0}","name":"{1}","peerURLs":["https://10.0.0.{0}:2380"],"clientURLs":["https://10.0.0.{0}:2379"]}}'
    members = "\n".join(name.format(*each) for each in ((1, "cp-1"), (2, "cp-2"), (3, "gpu-1")))
    stand_in = f'verb() {{ echo {verb}; }}\nports_closed() {{ [[ " {refuse} " == *" $1 "* ]]; }}\n'
    assert ran(f"{stand_in}_others_left '{members}'", "nothing", roles="control-plane")[0] == (0 if ends else 1)
