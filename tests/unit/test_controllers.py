"""Arguments of controller manager and scheduler: their manifests, with stand-ins for the programs.

Does not prove: what kubectl and kubeadm make of kubeadm-config; tests/scripts/test_hardened.py does.
"""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("K14")

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/controllers.sh"
MANIFESTS = {name: f"/etc/kubernetes/manifests/{name}.yaml" for name in ("kube-controller-manager", "kube-scheduler")}
INPUTS = {"argument.profiling": "false"}
FAKE = """
_runs_with() { grep -qF -- "$2" "$(_manifest "$1")"; }
_live() { cat HOME/live; }
_of_cluster() { sed -n "s/^$1: //p" <<<"$live"; }
_upload() {
    echo "$1" >>HOME/uploads
    [[ $1 == without ]] || printf '%s: profiling=false\\n' controllerManager scheduler >HOME/live
}
"""


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    found = StepHost(tmp_path)
    for name, path in MANIFESTS.items():
        found.file(path, f"  - command:\n    - {name}\n    - --bind-address=127.0.0.1\n")
    found.file("/etc/kubernetes/admin.conf", "x\n")
    found.file("/home/live", "kind: ClusterConfiguration\n")
    found.file("/controllers.sh", f"{STEP.read_text()}\n{FAKE.replace('HOME', str(found.path('/home')))}")
    return found


def call(host: StepHost, function: str) -> tuple[int, str]:
    return host.call(host.path("/controllers.sh"), function, INPUTS)


def manifests(host: StepHost) -> list[str]:
    return [host.path(path).read_text() for path in MANIFESTS.values()]


def test_the_line_stands_beside_what_is_there_and_goes_again(host: StepHost) -> None:
    before = manifests(host)
    assert call(host, "check") == (10, "kube-controller-manager has not --profiling=false")
    assert call(host, "apply") == (0, "")
    for name, text, former in zip(MANIFESTS, manifests(host), before, strict=True):
        assert text == former.replace(f"- {name}\n", f"- {name}\n    - --profiling=false\n")
    assert call(host, "check") == (0, "")
    assert call(host, "undo") == (0, "")
    assert manifests(host) == before
    assert host.path("/home/uploads").read_text() == "with\nwithout\n"


def test_what_was_there_before_stays(host: StepHost) -> None:
    path = MANIFESTS["kube-scheduler"]
    host.file(path, f"{host.path(path).read_text()}    - --profiling=false\n")
    theirs = host.path(path).read_text()
    call(host, "apply")
    call(host, "undo")
    assert host.path(path).read_text() == theirs


def test_another_value_of_somebody_else_is_named_and_nothing_is_changed(host: StepHost) -> None:
    path = MANIFESTS["kube-controller-manager"]
    host.file(path, f"{host.path(path).read_text()}    - --profiling=true\n")
    before = manifests(host)
    status, said = call(host, "apply")
    assert (status, "kube-controller-manager has --profiling=true, which this site did not set" in said) == (10, True)
    assert manifests(host) == before
