"""A kubelet whose host was off for longer than its certificate: the step that lets it sign in again, and its ticket.

Real openssl; systemctl is a stand-in. Does not prove: that a kubelet takes it (tests/scripts/test_cluster_luck.py).
"""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from components.kubernetes import steps
from tests.self_signed import self_signed
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("K12")

STEP = Path(steps.__file__).parent / "steps/kubelet_client.sh"
PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem"
PLANE, WORKER = {"node": "cp-1", "role": "control-plane"}, {"node": "cpu-1", "role": "worker"}
KUBECONFIG = f"""apiVersion: v1
clusters:
- cluster: {{server: https://10.0.0.1:6443}}
  name: system:node:cpu-1@lab
users:
- name: default-auth
  user:
    client-certificate: {PEM}
    client-key: {PEM}
"""


def certificate(last: float) -> str:
    made = self_signed(ec.generate_private_key(ec.SECP256R1()), "kubelet", first=-365, last=last)
    return made.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def host(tmp_path: Path) -> StepHost:
    """Its certificate ended yesterday; what starts the kubelet has the cluster sign another one."""
    made = StepHost(tmp_path)
    made.file("/etc/kubernetes/kubelet.conf", KUBECONFIG)
    made.file(PEM.replace("current", "2026-01-01-00-00-00"), certificate(-1))
    made.path(PEM).symlink_to("kubelet-client-2026-01-01-00-00-00.pem")
    made.file("/new.pem", certificate(365))
    made.program(
        "systemctl",
        f"""root=${{0%/bin/*}}; conf=$root/etc/kubernetes/bootstrap-kubelet.conf
[[ ! -e $conf ]] || cp "$conf" "$root/signed-in-by"
[[ ! -e $conf || -e $root/refuses ]] || cp "$root/new.pem" "$root{PEM}\"""",
    )
    return made


def test_a_certificate_that_has_ended_is_seen_and_nothing_else(host: StepHost) -> None:
    status, said = host.call(STEP, "check", WORKER)
    assert status == 10
    assert "and the kubelet does not start without one. Fix: sitectl drift --record, then pulumi up" in said
    host.file(PEM, certificate(1))
    assert host.call(STEP, "check", WORKER) == (0, "")
    host.path(PEM).unlink()
    assert host.call(STEP, "check", WORKER) == (0, "")


def test_a_file_where_the_kubelet_needs_a_link_is_made_one(host: StepHost) -> None:
    host.path(PEM).unlink()
    host.file(PEM, text := certificate(1))
    status, said = host.call(STEP, "check", WORKER)
    assert (status, "is a file, and the kubelet renews its certificate only where this is a link" in said) == (10, True)
    assert host.call(STEP, "apply", WORKER)[0] == 0
    assert (host.path(PEM).is_symlink(), host.path(PEM).read_text()) == (True, text)
    assert host.call(STEP, "check", WORKER) == (0, "")


def test_one_that_was_taken_out_joins_anew_instead(host: StepHost) -> None:
    host.file("/run/gpu-metal/ticket", "ENDPOINT 10.0.0.1:6443\nOUT yes\nTOKEN abcdef.0123456789abcdef\n")
    assert host.call(STEP, "check", WORKER) == (0, "")


def test_a_worker_asks_for_another_one_by_its_ticket(host: StepHost) -> None:
    status, said = host.call(STEP, "apply", WORKER)
    assert (status, "no ticket to sign in with was brought. Fix: " in said) == (1, True)
    host.file("/run/gpu-metal/ticket", "ENDPOINT 10.0.0.1:6443\nTOKEN abcdef.0123456789abcdef\n")
    assert host.call(STEP, "apply", WORKER)[0] == 0
    signed = host.path("/signed-in-by").read_text()
    assert signed.endswith("- name: default-auth\n  user:\n    token: abcdef.0123456789abcdef\n")
    assert "name: system:node:cpu-1@lab" in signed
    # Nothing of it stays.
    assert not host.path("/etc/kubernetes/bootstrap-kubelet.conf").exists()
    assert not host.path("/run/gpu-metal/ticket").exists()
    assert host.call(STEP, "check", WORKER) == (0, "")


def test_a_cluster_that_signs_nothing_is_not_waited_for_without_end(host: StepHost) -> None:
    host.file("/refuses", "")
    host.program("sleep", "exit 0")
    host.file("/run/gpu-metal/ticket", "TOKEN abcdef.0123456789abcdef\n")
    text = STEP.read_text()
    short = host.root / "step/kubelet_client.sh"
    short.parent.mkdir()
    short.write_text(text.replace("SECONDS + 120", "SECONDS + 1"))
    status, said = host.call(short, "apply", WORKER)
    assert (status, "the cluster signed no certificate for the kubelet within" in said) == (1, True)
    assert not host.path("/etc/kubernetes/bootstrap-kubelet.conf").exists()


def test_on_a_control_plane_the_clusters_authority_signs_it(host: StepHost) -> None:
    """Without its kubelet there is no API server that could be asked."""
    status, said = host.call(STEP, "apply", PLANE)
    assert (status, "ca.key, which signs others, is not here. Nothing was changed." in said) == (1, True)
    pki = host.path("/etc/kubernetes/pki")
    pki.mkdir()
    words = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca", "-keyout", f"{pki}/ca.key")
    subprocess.run((*words, "-out", f"{pki}/ca.crt"), check=True, capture_output=True)
    assert host.call(STEP, "apply", PLANE)[0] == 0
    shown = ("openssl", "x509", "-in", str(host.path(PEM)), "-noout", "-subject", "-ext", "extendedKeyUsage")
    text = subprocess.run(shown, check=True, capture_output=True, text=True).stdout
    assert "O = system:nodes, CN = system:node:cp-1" in text
    assert "TLS Web Client Authentication" in text
    verify = ("openssl", "verify", "-CAfile", f"{pki}/ca.crt", str(host.path(PEM)))
    subprocess.run(verify, check=True, capture_output=True)
    assert "PRIVATE KEY" in host.path(PEM).read_text()
    assert (host.path(PEM).stat().st_mode & 0o777, host.call(STEP, "check", PLANE)) == (0o600, (0, ""))
    assert [path.name for path in host.path(PEM).parent.glob("*.key")] == []
