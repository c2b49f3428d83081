"""gpu-metal-renew and the steps about certificates, with real openssl and a stand-in for kubeadm.

That what uses them is restarted, and shows the new ones: tests/scripts/test_control_plane_years.py.
"""

import base64
import subprocess
from pathlib import Path

import pytest

from components.kubernetes import kubeconfig, steps
from tests.unit.step_host import StepHost

ROOM = Path(steps.__file__).parent
PROGRAM = ROOM / "programs/renew.sh"
CERTIFICATES = ROOM / "steps/certificates.sh"
KUBECONFIG = ROOM / "steps/kubeconfig_read.sh"
NO_TIMER = {"timer": "no"}
PKI = "/etc/kubernetes/pki"

pytestmark = pytest.mark.row("K12")


TURN = 'echo "$*" >>"${{0%/bin/*}}/turns"; {answer}'


@pytest.fixture
def plane(tmp_path: Path) -> StepHost:
    """With certificates for a year, and authorities for ten; nothing of the control plane runs."""
    host = StepHost(tmp_path)
    for name in ("ca", "etcd/ca", "front-proxy-ca"):
        authority(host, f"{PKI}/{name}", 3650)
    certificate(host, f"{PKI}/apiserver.crt", 365)
    certificate(host, f"{PKI}/etcd/server.crt", 365, by="etcd/ca")
    admin(host, 365)
    host.program("kubeadm", 'echo "$*" >>"${0%/bin/*}/asked"')
    host.program("kubectl", "echo The connection to the server was refused; exit 1")
    host.program("systemctl", "exit 0")
    host.program("gpu-metal-turn", TURN.format(answer="exit 0"))
    return host


def authority(host: StepHost, place: str, days: int) -> None:
    """Makes one, PLACE.crt and PLACE.key, that ends in so many days."""
    path = host.path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    words = ("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", f"/CN={path.name}", "-days", str(days))
    subprocess.run((*words, "-keyout", f"{path}.key", "-out", f"{path}.crt"), check=True, capture_output=True)


def certificate(host: StepHost, name: str, days: int, by: str = "ca") -> str:
    """Makes one that an authority of /etc/kubernetes/pki signs, and that ends in so many days."""
    path, signs, request = host.path(name), host.path(f"{PKI}/{by}"), host.path("/request.pem")
    path.parent.mkdir(parents=True, exist_ok=True)
    asks = ("openssl", "req", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", "/dev/null", "-out", request)
    subprocess.run(asks, check=True, capture_output=True)
    words = ("openssl", "x509", "-req", "-in", request, "-CA", f"{signs}.crt", "-CAkey", f"{signs}.key")
    more = ("-set_serial", "7", "-days", str(days), "-out", path)
    subprocess.run((*words, *more), check=True, capture_output=True)
    return path.read_text()


def admin(host: StepHost, days: int) -> None:
    text = certificate(host, "/admin.crt", days)
    data = base64.b64encode(text.encode()).decode()
    host.file("/etc/kubernetes/admin.conf", f"users:\n- user:\n    client-certificate-data: {data}\n")


def program(host: StepHost, *words: str) -> tuple[int, str]:
    """gpu-metal-renew of this host."""
    text = (
        PROGRAM.read_text()
        .replace("/usr/local/sbin", f"{host.root}/bin")
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
    each = [f"certs renew {name}" for name in ("apiserver", "etcd-server", "admin.conf")]
    assert (status, asked(plane)) == (0, each if renewed else [])
    assert said.splitlines()[-1:] == (["renewed: admin.conf"] if renewed else [])
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


def note(plane: StepHost) -> None:
    """What the hook of the stack's copy does."""
    text = kubeconfig.NOTE.replace("/etc/", f"{plane.root}/etc/").replace("/var/lib/gpu-metal", f"{plane.root}/home")
    subprocess.run(["bash", "-c", text], check=True)


def test_the_stack_s_copy_is_of_the_same_certificate(plane: StepHost) -> None:
    assert plane.call(KUBECONFIG, "apply", {"node": "cp-1"})[0] == 0
    assert plane.call(KUBECONFIG, "check", {"node": "cp-1"}, verb="check") == (0, "")
    admin(plane, 365)
    status, said = plane.call(KUBECONFIG, "check", {"node": "cp-1"}, verb="check")
    assert status == 10
    assert "the kubeconfig in pulumi's state is not that of cp-1, whose certificate ends on" in said
    # A change of the layer for another reason reads nothing.
    status, said = plane.call(KUBECONFIG, "check", {"node": "cp-1"})
    assert (status, said.count("drift --record")) == (0, 1)
    assert plane.call(KUBECONFIG, "check", {"node": "cp-1"}, verb="check")[0] == 10
    note(plane)
    assert plane.call(KUBECONFIG, "check", {"node": "cp-1"}, verb="check") == (0, "")
    assert plane.call(KUBECONFIG, "check", {"node": "cp-1"}) == (0, "")


def test_an_authority_that_ends_within_a_year_is_said(plane: StepHost) -> None:
    authority(plane, f"{PKI}/etcd/ca", 300)
    plane.program("renew", "exit 0")
    status, said = plane.call(CERTIFICATES, "_authorities", NO_TIMER)
    assert status == 0
    assert "the cluster's authority /etc/kubernetes/pki/etcd/ca.crt ends on" in said


def theirs(plane: StepHost, days: int) -> None:
    """The API server's certificate is signed by the site's own authority."""
    authority(plane, f"{PKI}/theirs", 3650)
    certificate(plane, f"{PKI}/apiserver.crt", days, by="theirs")


def test_what_another_authority_signed_is_never_signed_anew(plane: StepHost) -> None:
    theirs(plane, 5)
    assert program(plane, "renew", "30") == (0, "")
    admin(plane, 5)
    before = plane.path(f"{PKI}/apiserver.crt").read_text()
    assert program(plane, "renew", "30")[0] == 0
    assert asked(plane) == ["certs renew etcd-server", "certs renew admin.conf"]
    assert plane.path(f"{PKI}/apiserver.crt").read_text() == before
    assert "pki/apiserver.crt signed by another authority" in program(plane, "list")[1]


def test_an_authority_that_is_itself_signed_by_the_site_s_own_is_the_cluster_s(plane: StepHost) -> None:
    authority(plane, f"{PKI}/theirs", 3650)
    root, signs = plane.path(f"{PKI}/theirs"), plane.path(f"{PKI}/ca")
    extensions = plane.path("/extensions")
    extensions.write_text("basicConstraints=critical,CA:TRUE\n")
    asks = (
        "openssl",
        "req",
        "-new",
        "-key",
        f"{signs}.key",
        "-subj",
        "/CN=cluster",
        "-out",
        plane.path("/request.pem"),
    )
    subprocess.run(asks, check=True, capture_output=True)
    words = (
        "openssl",
        "x509",
        "-req",
        "-in",
        plane.path("/request.pem"),
        "-CA",
        f"{root}.crt",
        "-CAkey",
        f"{root}.key",
    )
    more = ("-set_serial", "8", "-days", "3650", "-extfile", extensions, "-out", f"{signs}.crt")
    subprocess.run((*words, *more), check=True, capture_output=True)
    certificate(plane, f"{PKI}/apiserver.crt", 5)
    assert program(plane, "renew", "30")[0] == 0
    assert "certs renew apiserver" in asked(plane)


def test_that_one_of_another_authority_ends_soon_is_a_remark_and_no_fault(plane: StepHost) -> None:
    theirs(plane, 5)
    end = program(plane, "list")[1].splitlines()[0].split()[0]
    step = CERTIFICATES.read_text().replace("/usr/local/sbin/gpu-metal-renew", f"{plane.root}/bin/list")
    script = plane.path("/certificates.sh")
    script.write_text(step)
    plane.program("list", f"echo '{end} pki/apiserver.crt signed by another authority'")
    assert plane.call(script, "_soon", NO_TIMER) == (0, "")
    status, said = plane.call(script, "_of_others", NO_TIMER)
    assert (status, said[:77]) == (0, "pki/apiserver.crt of /etc/kubernetes, signed by another authority, ends on 20")
    assert said.endswith("Fix: have that authority sign another one, and put it there")


def turns(plane: StepHost) -> list[str]:
    """What was asked of gpu-metal-turn."""
    return plane.path("/turns").read_text().splitlines()


def test_it_restarts_what_uses_them_in_its_turn_and_gives_it_back(plane: StepHost) -> None:
    admin(plane, 5)
    assert program(plane, "renew", "30")[0] == 0
    assert turns(plane) == ["aside renews its certificates 1500", "back"]


def test_while_another_control_plane_is_away_nothing_is_restarted(plane: StepHost) -> None:
    admin(plane, 5)
    plane.program("gpu-metal-turn", TURN.format(answer="echo it is the turn of cp-2; exit 1"))
    status, said = program(plane, "renew", "30")
    assert status == 1
    assert "what uses them is not restarted yet: it is the turn of cp-2. Fix: see there" in said
    assert plane.path("/etc/kubernetes/gpu-metal/renewing").exists()
    assert turns(plane)[-1] == "back"


def test_where_nobody_can_be_asked_it_goes_on(plane: StepHost) -> None:
    """No API server takes certificates that have ended, and they are to be renewed by it."""
    admin(plane, 5)
    plane.program(
        "gpu-metal-turn", TURN.format(answer="if [[ $1 == aside ]]; then echo no API server says; exit 3; fi")
    )
    status, said = program(plane, "renew", "30")
    assert (status, said.splitlines()[0]) == (0, "no API server says")
    assert not plane.path("/etc/kubernetes/gpu-metal/renewing").exists()
