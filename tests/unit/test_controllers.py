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
_annotate() {
    sed -i --follow-symlinks '/^# ours/d' HOME/live
    if [[ -n $1 ]]; then sed -i --follow-symlinks "1i # ours: $1" HOME/live; fi
}
_upload() {
    local key
    echo "$1" >>HOME/uploads
    for key in "${_keys[@]}"; do
        if [[ $1 == with ]]; then
            grep -q "^$key:" HOME/live || echo "$key: profiling=false" >>HOME/live
        elif _is_noted "$key"; then
            sed -i --follow-symlinks "/^$key:/d" HOME/live
        fi
    done
}
"""
"""On a ConfigMap in the file `live`, with the annotation as its first line."""
BARE = "kind: ClusterConfiguration\n"


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    return made(tmp_path / "cp-1")


def made(folder: Path) -> StepHost:
    """A control plane without a profile."""
    folder.mkdir()
    found = StepHost(folder)
    for name, path in MANIFESTS.items():
        found.file(path, f"  - command:\n    - {name}\n    - --bind-address=127.0.0.1\n")
    found.file("/etc/kubernetes/admin.conf", "x\n")
    found.file("/home/live", BARE)
    found.file("/controllers.sh", f"{STEP.read_text()}\n{FAKE.replace('HOME', str(found.path('/home')))}")
    return found


def call(host: StepHost, function: str, verb: str = "apply") -> tuple[int, str]:
    return host.call(host.path("/controllers.sh"), function, INPUTS, verb=verb)


def live(host: StepHost) -> str:
    return host.path("/home/live").read_text()


def joined(first: StepHost, folder: Path) -> StepHost:
    """A control plane that has joined the cluster of `first`: kubeadm made its manifests from the configuration."""
    host = made(folder)
    for key, path in zip(("controllerManager", "scheduler"), MANIFESTS.values(), strict=True):
        if f"{key}: profiling=false" in live(first):
            host.file(path, f"{host.path(path).read_text()}    - --profiling=false\n")
    host.path("/home/live").unlink()
    host.path("/home/live").symlink_to(first.path("/home/live"))
    return host


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
    assert live(host) == BARE


def test_control_planes_that_joined_with_it_are_without_it_too_whoever_began(host: StepHost, tmp_path: Path) -> None:
    call(host, "apply")
    second = joined(host, tmp_path / "cp-2")
    status, said = call(second, "check", "check")
    assert (status, "kube-controller-manager was made from kubeadm-config with what this site put there" in said) == (
        10,
        True,
    )
    assert call(second, "apply") == (0, "")
    assert call(second, "check") == (0, "")
    assert not second.path("/home/uploads").exists(), "the cluster has it already"
    third = joined(host, tmp_path / "cp-3")  # its apply was cut off: it has no note
    for each in (second, third):
        assert call(each, "undo") == (0, "")
        assert not any("profiling" in text for text in manifests(each))
        if each is second:
            assert live(host) == BARE
            call(host, "apply")
    assert live(host) == BARE


def test_a_control_plane_that_leaves_takes_nothing_away_from_the_others(host: StepHost, tmp_path: Path) -> None:
    call(host, "apply")
    second = joined(host, tmp_path / "cp-2")
    call(second, "apply")
    assert call(second, "undo", "undo") == (0, "")
    assert call(host, "check", "check") == (0, "")
    assert call(host, "undo") == (0, "")
    assert live(host) == BARE


def test_what_was_there_before_stays(host: StepHost) -> None:
    path = MANIFESTS["kube-scheduler"]
    host.file(path, f"{host.path(path).read_text()}    - --profiling=false\n")
    theirs = host.path(path).read_text()
    call(host, "apply")
    assert live(host).startswith("# ours: controllerManager\n")
    assert call(host, "check", "check") == (0, "")
    call(host, "undo")
    assert host.path(path).read_text() == theirs


def test_another_value_of_somebody_else_is_named_and_nothing_is_changed(host: StepHost) -> None:
    path = MANIFESTS["kube-controller-manager"]
    host.file(path, f"{host.path(path).read_text()}    - --profiling=true\n")
    before = manifests(host)
    status, said = call(host, "apply")
    assert (status, "kube-controller-manager has --profiling=true, which this site did not set" in said) == (10, True)
    assert manifests(host) == before
