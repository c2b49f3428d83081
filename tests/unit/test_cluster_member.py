"""The step of a member waits, after a mend, until its node is Ready: by its own functions and a kubectl that is told.

Does not prove: that a real kubelet behaves so (tests/scripts/test_kubernetes_steps.py).
"""

import subprocess
from pathlib import Path

import pytest

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
