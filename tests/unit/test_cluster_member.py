"""The step of a member waits, after a mend, until its node is Ready, and says why a kubelet ends: by its own functions
and programs that are told what to answer.

Does not prove: that a real kubelet behaves so (tests/scripts/test_kubernetes_steps.py).
"""

import subprocess
from pathlib import Path

import pytest

from components.hostrun.step import RUNNER, content
from components.kubernetes import ticket
from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/cluster_member.sh"
# As child.sh runs a step; a second passes with each sleep.
RUN = """
set -euo pipefail; shopt -s inherit_errexit
input() { echo gpu-1; }
compgen() { [[ $NETWORK == yes ]]; }
systemctl() { [[ $KUBELET == active ]]; }
sleep() { SECONDS=$((SECONDS + $1)); echo slept; }
. "$1"
_as() {
    [[ $* == *"get node gpu-1 -o jsonpath="*Ready* ]]
    if ((SECONDS < READY_AFTER)); then echo False; else echo True; fi
}
unset SECONDS # the machine's own seconds do not count
SECONDS=0
_settle
"""


@pytest.mark.parametrize(
    ("after", "network", "kubelet", "slept"),
    [
        (0, "yes", "active", 0),
        (7, "yes", "active", 4),
        (1000, "yes", "active", 30),
        (1000, "", "active", 0),
        (1000, "yes", "inactive", 0),
    ],
    ids=["Ready", "soon Ready", "never Ready: a minute", "no pod network yet", "kubelet stopped"],
)
def test_a_node_that_is_about_to_be_ready_is_waited_for(after: int, network: str, kubelet: str, slept: int) -> None:
    env = {"PATH": "/usr/bin:/bin", "READY_AFTER": str(after), "NETWORK": network, "KUBELET": kubelet}
    done = subprocess.run(["bash", "-c", RUN, "bash", str(STEP)], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("slept") == slept


KUBEADM = """
set -euo pipefail; shopt -s inherit_errexit
. "$1"
kubeadm() { echo "$*"; echo 'To see the stack trace of this error execute with --v=5' >&2; return "$STATUS"; }
systemctl() { [[ $* == "show kubelet --property NRestarts --value" ]] && echo "$ENDED"; }
journalctl() {
    echo 'I1130 01:20:43.181789    8857 factory.go:221] Registration of crio failed'
    echo 'E1130 01:20:43.1  8857 kubelet.go:1687] "Failed to start cAdvisor" err="inotify_init: too many open files"'
    echo 'kubelet.service: Failed with result exit-code.'
}
_kubeadm join --config x
echo joined
"""


@pytest.mark.parametrize(
    ("status", "ended", "says"),
    [
        (0, 7, ""),
        (1, 0, ""),
        (
            1,
            7,
            'the kubelet ended 7 times: "Failed to start cAdvisor" err="inotify_init: too many open files". '
            "Fix: mend that on this host (journalctl -u kubelet), then pulumi up\n",
        ),
    ],
    ids=["kubeadm ended well", "the kubelet runs", "the kubelet ends"],
)
def test_a_kubelet_that_ends_again_and_again_is_the_reason(status: int, ended: int, says: str) -> None:
    """kubeadm waits four minutes for it, and names neither it nor why."""
    env = {"PATH": "/usr/bin:/bin", "STATUS": str(status), "ENDED": str(ended)}
    done = subprocess.run(
        ["bash", "-c", KUBEADM, "bash", str(STEP)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert done.stdout.splitlines() == ["join --config x", *(["joined"] if status == 0 else [])]
    assert done.stderr == "To see the stack trace of this error execute with --v=5\n" + says


JOIN = """
set -euo pipefail; shopt -s inherit_errexit
input() { echo gpu-1; }
sleep() { SECONDS=$((SECONDS + $1)); }
. "$1"
_as() { ((SECONDS >= REGISTERED_AFTER)); }
unset SECONDS
SECONDS=0
_await_registered
"""


@pytest.mark.row("K3")
@pytest.mark.parametrize(
    ("after", "says"), [(0, ""), (40, ""), (1000, "the kubelet did not register gpu-1 within 60 s")]
)
def test_a_node_that_comes_after_kubeadm_has_ended_is_waited_for(after: int, says: str) -> None:
    env = {"PATH": "/usr/bin:/bin", "REGISTERED_AFTER": str(after)}
    done = subprocess.run(["bash", "-c", JOIN, "bash", str(STEP)], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is not bool(says)
    assert done.stderr.startswith(says)


def test_a_join_that_ended_well_waits_for_its_node() -> None:
    text = STEP.read_text()
    joined = text[text.index("\n_join() {") :]
    assert "_await_registered" in joined[: joined.index("\n}\n")]


CUT_OFF = """
set -euo pipefail; shopt -s inherit_errexit
input() { echo cp-1; }
sleep() { SECONDS=$((SECONDS + 60)); }
. "$1"
_as() { echo 'connection refused'; return 1; }
_server() { echo https://10.0.0.1:6443; }
etcd_full() { echo "$FULL"; }
_answers
"""


@pytest.mark.row("K3")
def test_the_only_api_server_whose_change_was_cut_off_is_brought_back_by_hand(tmp_path: Path) -> None:
    """Without it, the step that would bring the former one back is not reached."""
    step, former = tmp_path / "step.sh", tmp_path / "api-server-before"
    step.write_text(STEP.read_text().replace("/etc/kubernetes/gpu-metal/api-server-before", str(former)))
    said = []
    for _ in range(2):
        env = {"PATH": "/usr/bin:/bin", "FULL": ""}
        done = subprocess.run(
            ["bash", "-c", CUT_OFF, "bash", step], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        said.append(done.stderr)
        former.mkdir(exist_ok=True)
    plain = "the API server https://10.0.0.1:6443 does not answer: connection refused"
    fix = f"Fix: on cp-1 as root, cp {former}/apiserver.* /etc/kubernetes/pki/ && cp {former}/kube-apiserver.yaml "
    assert said[0] == f"{plain}\n"
    assert said[1] == f"{plain}. A change of it was cut off here. {fix}/etc/kubernetes/manifests/; then pulumi up\n"


@pytest.mark.row("K15")
def test_a_full_disk_of_etcd_is_named_and_the_run_after_it_goes_on(tmp_path: Path) -> None:
    """The API server answers again once etcd has room."""
    host = StepHost(tmp_path)
    host.path("/var/lib/etcd/member").mkdir(parents=True)
    host.file("/etc/kubernetes/kubelet.conf", "server: https://10.0.0.1:6443\n")
    host.program("df", 'printf "Avail\\n%s\\n" "$(cat "${0%/bin/*}/free")"')
    host.program(
        "kubectl", 'if (($(cat "${0%/bin/*}/free") < 64)); then echo "connection refused"; exit 1; fi; echo ok'
    )
    script = host.path("/member.sh")
    script.write_text(f"{content(STEP).decode()}\nunset SECONDS\nSECONDS=0\nsleep() {{ SECONDS=$((SECONDS + 60)); }}\n")
    host.file("/free", "3")
    status, said = host.call(script, "_answers")
    assert (status, said) == (
        1,
        "the API server https://10.0.0.1:6443 does not answer: connection refused. The disk of /var/lib/etcd is full: "
        "3 MB free. Fix: free some (df -h /var/lib/etcd); then pulumi up",
    )
    host.file("/free", "64")
    assert host.call(script, "_answers") == (0, "")


TICKET = "MINUTES 15\nTOKEN abcdef.0123456789abcdef\n"


@pytest.mark.row("K5")
@pytest.mark.parametrize("clock", ["", "+2 days", "-2 days"])
@pytest.mark.parametrize(("minutes", "old"), [(0, False), (14, False), (16, True)])
def test_a_tickets_age_is_right_though_the_clock_is_set_meanwhile(
    tmp_path: Path, minutes: int, old: bool, clock: str
) -> None:
    host = StepHost(tmp_path)
    host.program("gpu-metal", 'cat >"${0%/bin/*}/run/gpu-metal/$2"')
    put = ticket._PUT.replace(RUNNER, str(host.path("/bin/gpu-metal")))
    subprocess.run(["bash", "-c", put], input=TICKET, text=True, check=True)
    there = host.path("/run/gpu-metal/ticket")
    text = there.read_text()
    assert text.startswith(f"{TICKET}BROUGHT ")
    there.write_text(f"{TICKET}BROUGHT {int(text.split()[-1]) - minutes * 60}\n")
    if clock:
        # What the clock was before is what the file's time has.
        host.program("date", f"exec /usr/bin/date -d '{clock}' \"$@\"")
        subprocess.run(["touch", "-d", clock.translate(str.maketrans("+-", "-+")), there], check=True)
    status, said = host.call(STEP, "_refuse_old")
    assert (status, there.exists()) == (1, False) if old else (0, True)
    assert said.startswith("the ticket to join with is 16 min old, and was good for 15: what came before it") == old
