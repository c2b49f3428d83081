"""Steps' questions to the API server: one start of kubectl where it answers.

Does not prove: what kubectl says of an API server that is starting.
"""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEP = """\
# Asks.
# uses: kubernetes
check() { cluster_api "${words[@]}"; }
"""
KUBECTL = """
words=$*
echo "${words#*--request-timeout=20s }" >>"$0-asked"
case $* in
    *' get --raw /readyz') [[ -e ${0%/*}/ready ]] || { touch "${0%/*}/ready"; exit 1; } ;;
    *) [[ -e ${0%/*}/ready ]] || { echo refused >&2; exit 1; }; echo answer; cat ;;
esac
"""


@pytest.fixture
def cluster(tmp_path: Path) -> StepHost:
    made = StepHost(tmp_path)
    made.program("kubectl", KUBECTL)
    made.program("sleep", ":")
    return made


def asked(cluster: StepHost, words: str) -> tuple[int, str, list[str]]:
    step = cluster.path("/asks.sh")
    step.write_text(STEP.replace('"${words[@]}"', words))
    status, said = cluster.call(step, "check")
    return status, said, cluster.path("/bin/kubectl-asked").read_text().splitlines()


@pytest.mark.parametrize("words", ["get node cp-1 -o name", "-n kube-system get configmap coredns"])
def test_a_question_is_one_start_of_kubectl(cluster: StepHost, words: str) -> None:
    cluster.file("/bin/ready", "")
    assert asked(cluster, words) == (0, "answer", [words])


def test_a_server_that_is_away_is_waited_for(cluster: StepHost) -> None:
    words = "get node cp-1"
    ready = "get --raw /readyz"
    assert asked(cluster, words) == (0, "answer", [words, ready, ready, words])


def test_a_change_is_made_once_and_only_when_the_server_is_ready(cluster: StepHost) -> None:
    words = "apply -f -"
    ready = "get --raw /readyz"
    assert asked(cluster, f"{words} <<<object") == (0, "answer\nobject", [ready, ready, words])
