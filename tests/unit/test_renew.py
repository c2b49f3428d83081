"""gpu-metal-renew and the steps about certificates, with real openssl and a stand-in for kubeadm.

That what uses them is restarted, and shows the new ones: tests/scripts/test_control_plane_years.py.
"""

import base64
import subprocess
from pathlib import Path

import pytest

from components.kubernetes import steps
from tests.unit.step_host import StepHost

ROOM = Path(steps.__file__).parent
PROGRAM = ROOM / "programs/renew.sh"
CERTIFICATES = ROOM / "steps/certificates.sh"
KUBECONFIG = ROOM / "steps/kubeconfig_read.sh"
NO_TIMER = {"timer": "no"}
PKI = "/etc/kubernetes/pki"

pytestmark = pytest.mark.row("K12")


@pytest.fixture
def plane(tmp_path: Path) -> StepHost:
    """With certificates for a year, and authorities for ten; nothing of the control plane runs."""
    host = StepHost(tmp_path)
    for name in ("ca", "etcd/ca", "front-proxy-ca"):
        certificate(host, f"{PKI}/{name}.crt", 3650)
        host.file(f"{PKI}/{name}.key", "a key\n")
    for name in ("apiserver", "etcd/server"):
        certificate(host, f"{PKI}/{name}.crt", 365)
    admin(host, 365)
    host.program("kubeadm", 'echo "$*" >>"${0%/bin/*}/asked"')
    host.program("systemctl", "exit 0")
    return host


def certificate(host: StepHost, name: str, days: int) -> str:
    """Makes one that ends in so many days."""
    path = host.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    words = ("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-days", str(days))
    subprocess.run((*words, "-keyout", "/dev/null", "-out", path), check=True, capture_output=True)
    return path.read_text()


def admin(host: StepHost, days: int) -> None:
    text = certificate(host, "/admin.crt", days)
    data = base64.b64encode(text.encode()).decode()
    host.file("/etc/kubernetes/admin.conf", f"users:\n- user:\n    client-certificate-data: {data}\n")


def program(host: StepHost, *words: str) -> tuple[int, str]:
    """gpu-metal-renew of this host."""
    text = (
        PROGRAM.read_text()
        .replace("/etc/kubernetes", f"{host.root}/etc/kubernetes")
        .replace("/run/", f"{host.root}/run/")
    )
    host.file("/renew", text)
    path = {"PATH": f"{host.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(
        ["bash", host.path("/renew"), *words], env=path, capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, (done.stdout + done.stderr).replace(str(host.root), "").strip()


def asked(host: StepHost) -> list[str]:
    """What kubeadm was told."""
    return host.path("/asked").read_text().splitlines() if host.path("/asked").exists() else []


def test_those_of_files_and_of_kubeconfigs_are_found_with_their_end(plane: StepHost) -> None:
    plane.file("/etc/kubernetes/scheduler.conf", "users:\n- user:\n    tokenFile: /somewhere\n")
    status, said = program(plane, "list")
    assert status == 0
    assert [line.split()[1] for line in said.splitlines()] == ["pki/apiserver.crt", "pki/etcd/server.crt", "admin.conf"]


@pytest.mark.parametrize(("days", "renewed"), [(31, False), (29, True), (1, True)])
def test_they_are_renewed_thirty_days_before_one_ends(plane: StepHost, days: int, renewed: bool) -> None:
    admin(plane, days)
    status, said = program(plane, "renew", "30")
    assert (status, asked(plane)) == (0, ["certs renew all"] if renewed else [])
    assert said == ("renewed: admin.conf" if renewed else "")
    assert not plane.path("/etc/kubernetes/gpu-metal/renewing").exists()


def test_without_the_authority_s_key_nothing_is_changed(plane: StepHost) -> None:
    admin(plane, 5)
    plane.path(f"{PKI}/etcd/ca.key").unlink()
    status, said = program(plane, "renew", "30")
    assert (status, asked(plane)) == (1, [])
    assert (
        "admin.conf will end, and /etc/kubernetes/pki/etcd/ca.key, which signs others, is not here. Nothing was" in said
    )


def test_a_run_that_was_cut_off_after_kubeadm_restarts_what_it_had_not(plane: StepHost) -> None:
    plane.file("/etc/kubernetes/gpu-metal/renewing", "")
    assert program(plane, "renew", "30")[0] == 0
    assert asked(plane) == []
    assert not plane.path("/etc/kubernetes/gpu-metal/renewing").exists()


def test_the_stack_s_copy_is_of_the_same_certificate(plane: StepHost) -> None:
    assert plane.call(KUBECONFIG, "apply", {"node": "cp-1"})[0] == 0
    assert plane.call(KUBECONFIG, "check", {"node": "cp-1"}) == (0, "")
    admin(plane, 365)
    status, said = plane.call(KUBECONFIG, "check", {"node": "cp-1"})
    assert status == 10
    assert "the kubeconfig in pulumi's state is not that of cp-1, whose certificate ends on" in said


def test_an_authority_that_ends_within_a_year_is_said(plane: StepHost) -> None:
    certificate(plane, f"{PKI}/etcd/ca.crt", 300)
    plane.program("renew", "exit 0")
    status, said = plane.call(CERTIFICATES, "_authorities", NO_TIMER)
    assert status == 0
    assert "the cluster's authority /etc/kubernetes/pki/etcd/ca.crt ends on" in said
