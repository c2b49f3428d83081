"""The version guard of a cluster's member, with stand-ins for the package managers."""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/kubernetes_version.sh"
DPKG = "[[ -n $SEEN ]] || exit 1; printf 'installed\\tkubelet\\tamd64\\t%s-1.1\\n' \"$SEEN\""
RPM = '[[ -n $SEEN ]] || { echo "package kubelet is not installed"; exit 1; }; printf \'%s-150500.1.1\\n\' "$SEEN"'


@pytest.fixture(params=[("ubuntu", "24.04", "debian"), ("rocky", "9.4", "rhel centos fedora")])
def member(request: pytest.FixtureRequest, tmp_path: Path) -> StepHost:
    host = StepHost(tmp_path, *request.param)
    host.program("dpkg-query", DPKG)
    host.program("rpm", RPM)
    host.file("/etc/kubernetes/kubelet.conf", "x\n")
    return host


def guarded(host: StepHost, seen: str) -> tuple[int, str]:
    host.environment["SEEN"] = seen
    return host.call(STEP, "check", {"version": "1.34.2"})


@pytest.mark.row("K1")
def test_a_member_of_another_version_is_refused_on_both_families(member: StepHost) -> None:
    assert guarded(member, "1.34.2") == (0, "")
    status, said = guarded(member, "1.33.5")
    assert status == 10
    assert said.startswith("this member runs Kubernetes 1.33.5, wants 1.34.2;")
    assert said.endswith("Fix: put 1.33.5 back as kubernetes.version")


@pytest.mark.row("K1")
def test_a_kubelet_without_a_package_is_asked_itself(member: StepHost) -> None:
    member.program("kubelet", "echo Kubernetes v1.32.1")
    status, said = guarded(member, "")
    assert (status, said.split(";")[0]) == (10, "this member runs Kubernetes 1.32.1, wants 1.34.2")


def test_a_host_outside_a_cluster_may_get_any_version(member: StepHost) -> None:
    member.path("/etc/kubernetes/kubelet.conf").unlink()
    assert guarded(member, "1.33.5") == (0, "")
