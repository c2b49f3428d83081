"""A host that the cluster has taken out, and that is there again, joins anew; no other one is reset.

ticket.sh on the control plane that is asked, and cluster_member.sh on the one that comes back, with stand-ins of etcd
and kubeadm. Does not prove: that a real one joins (tests/lab/test_planes.py).
"""

import base64
import subprocess
from pathlib import Path

import pytest

from components.hostrun.step import content
from components.kubernetes import steps
from components.kubernetes.ticket import SCRIPT
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("K2", "K15")

STEP = Path(steps.__file__).parent / "steps/cluster_member.sh"
VERSION = STEP.with_name("kubernetes_version.sh")
INPUTS = {"node": "cp-3", "role": "control-plane", "begin": "join"}
MEMBERS = """echo '{"members":[{"ID":"1","peerURLs":["https://10.0.0.1:2380"]},{"ID":"3","peerURLs":["https://10.0.0.3:2380"]}]}'"""


@pytest.fixture
def asked(tmp_path: Path) -> StepHost:
    """A control plane at work."""
    host = StepHost(tmp_path)
    host.file("/etc/kubernetes/admin.conf", "a kubeconfig")
    host.file(
        "/etc/kubernetes/manifests/kube-apiserver.yaml",
        "  kubeadm/kube-apiserver.advertise-address.endpoint: 10.0.0.1:6443\n",
    )
    host.program("kubectl", 'echo "kubectl $*" >>"${0%/bin/*}/asked"')
    host.program(
        "kubeadm",
        """case $* in
    token*) echo "kubeadm join --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:77 " ;;
    *upload-certs*) printf '%064d\\n' 0 ;;
esac""",
    )
    return host


def ticket(host: StepHost, address: str, role: str = "control-plane-member") -> tuple[int, str]:
    text = content(SCRIPT).decode().replace("/etc/", f"{host.root}/etc/").replace("/run/", f"{host.root}/run/")
    host.file("/ticket.sh", text)
    path = {"PATH": f"{host.root}/bin:/usr/bin:/bin"}
    words = ["bash", str(host.path("/ticket.sh")), "cp-3", address, role, "15"]
    done = subprocess.run(words, env=path, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_member_of_etcd_is_only_admitted(asked: StepHost) -> None:
    asked.program("curl", MEMBERS)
    assert ticket(asked, "10.0.0.3") == (0, "")


def test_a_member_that_others_made_with_another_address_is_known_by_its_name(asked: StepHost) -> None:
    """It would lose its node, and be reset."""
    asked.program("curl", MEMBERS.replace('"ID":"3",', '"ID":"3","name":"cp-3",'))
    assert ticket(asked, "192.168.0.3") == (0, "")
    assert not asked.path("/asked").exists() or "delete" not in asked.path("/asked").read_text()


def test_one_that_etcd_does_not_have_any_more_gets_a_ticket_that_says_so(asked: StepHost) -> None:
    asked.program("curl", MEMBERS)
    status, said = ticket(asked, "10.0.0.9")
    assert status == 0
    assert said.splitlines()[:2] == ["ENDPOINT 10.0.0.1:6443", "OUT yes"]
    assert "CERTIFICATE_KEY " in said
    # What bears its name is left of its earlier life.
    assert "delete node cp-3 --ignore-not-found" in asked.path("/asked").read_text()


@pytest.mark.row("K12")
def test_who_only_signs_in_again_stays_what_it_is(asked: StepHost) -> None:
    status, said = ticket(asked, "10.0.0.9", "ended")
    assert (status, "TOKEN abcdef.0123456789abcdef\n" in said, "MINUTES 15\n" in said) == (0, True, True)
    assert "delete node" not in asked.path("/asked").read_text()


def test_an_etcd_that_does_not_answer_takes_nobody_out(asked: StepHost) -> None:
    asked.program("curl", "exit 7")
    status, said = ticket(asked, "10.0.0.9")
    assert (status != 0, said) == (True, "")


BARRED = """echo "kubectl $*" >>"${0%/bin/*}/asked"
[[ $* != *'index . "cp-3"'* ]] || printf 2026-11-30T17:00:00Z"""


def test_a_worker_that_was_taken_out_gets_a_ticket_too(asked: StepHost) -> None:
    """It may have been away while the cluster was upgraded: nothing upgrades a node that the cluster does not have."""
    assert ticket(asked, "10.0.0.9", "member") == (0, "")
    asked.program("kubectl", BARRED)
    status, said = ticket(asked, "10.0.0.9", "member")
    assert (status, said.splitlines()[:2]) == (0, ["ENDPOINT 10.0.0.1:6443", "OUT yes"])
    assert "CERTIFICATE_KEY " not in said
    assert "delete node cp-3 --ignore-not-found" in asked.path("/asked").read_text()


@pytest.fixture
def back(tmp_path: Path) -> StepHost:
    """The one that comes back, with an identity, and a ticket that says that it was taken out."""
    host = StepHost(tmp_path)
    host.path("/etc/kubernetes/pki").mkdir(parents=True)
    pki = host.path("/etc/kubernetes/pki/ca")
    words = ("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=ca", "-keyout", f"{pki}.key")
    subprocess.run((*words, "-out", f"{pki}.crt"), check=True, capture_output=True)
    host.file("/etc/kubernetes/kubelet.conf", "    server: https://10.0.0.9:8443\n")
    host.file(
        "/run/gpu-metal/ticket", f"ENDPOINT 10.0.0.1:6443\nOUT yes\nTOKEN a.b\nCA_HASH sha256:{_hash(f'{pki}.crt')}\n"
    )
    host.program("kubectl", "echo The API server does not answer; exit 1")
    return host


def _hash(certificate: str) -> str:
    """As https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/ computes it."""
    line = f"openssl x509 -pubkey -in {certificate} | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex"
    done = subprocess.run(["bash", "-c", line], check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def test_it_is_to_join_anew_though_its_own_api_server_does_not_answer(back: StepHost) -> None:
    status, said = back.call(STEP, "check", INPUTS)
    assert (status, said) == (10, "cp-3 was taken out of the cluster: it joins anew")


def test_it_has_no_turn_in_an_upgrade_and_needs_none(back: StepHost) -> None:
    back.program("kubelet", "echo Kubernetes v1.33.13")
    back.program("dpkg-query", "exit 1")
    inputs = {**INPUTS, "version": "1.35.0"}
    assert (back.call(VERSION, "check", inputs), back.call(VERSION, "apply", inputs)) == ((0, ""), (0, ""))
    back.file("/run/gpu-metal/ticket", "")
    assert "this member runs Kubernetes 1.33.13" in back.call(VERSION, "check", inputs)[1]


def test_a_node_that_registered_meanwhile_is_waited_for_until_it_is_not_ready(back: StepHost) -> None:
    """kubeadm refuses to join under the name of a node that is Ready."""
    back.program("systemctl", 'echo "systemctl $*" >>"${0%/bin/*}/asked"')
    back.program("sleep", 'echo "sleep $*" >>"${0%/bin/*}/asked"')
    back.program("kubectl", '[[ $(grep -c sleep "${0%/bin/*}/asked") -ge 2 ]] && echo Unknown || echo True')
    assert back.call(STEP, "_await_unready", INPUTS)[0] == 0
    assert back.path("/asked").read_text().splitlines() == ["systemctl stop kubelet", "sleep 5", "sleep 5"]


@pytest.mark.parametrize(
    "ticket_text",
    ["ENDPOINT 10.0.0.1:6443\nTOKEN a.b\n", "ENDPOINT 10.0.0.1:6443\nOUT yes\nTOKEN a.b\nCA_HASH sha256:77\n", ""],
    ids=["not taken out", "of another cluster", "no ticket"],
)
def test_any_other_is_never_reset(back: StepHost, ticket_text: str) -> None:
    back.file("/run/gpu-metal/ticket", ticket_text)
    assert back.call(STEP, "taken_out", INPUTS)[0] == 1


SECRET = """if [[ $* == */kv/range* ]]; then
    echo '{"header":{"revision":"7"},"kvs":[{"key":"KEY","value":"VALUE"}]}'
else
    echo '{"members":[]}'
fi"""


def test_a_control_plane_joins_only_with_the_keys_of_all_secrets(asked: StepHost) -> None:
    """One of them may have left the site in the same edit; Secrets are written anew after the join."""
    key, value = (
        base64.b64encode(each).decode() for each in (b"/registry/secrets/a/b", b"k8s:enc:secretbox:v1:old:xxxx")
    )
    asked.program("curl", SECRET.replace("KEY", key).replace("VALUE", value))
    assert ticket(asked, "10.0.0.3", "control-plane")[1].splitlines()[-1] == "KEYS "
    with asked.path("/etc/kubernetes/manifests/kube-apiserver.yaml").open("a") as manifest:
        manifest.write(
            "    - --encryption-provider-config=/etc/kubernetes/gpu-metal/api-server/x\n".replace(
                "/etc/", f"{asked.root}/etc/"
            )
        )
    status, said = ticket(asked, "10.0.0.3", "control-plane")
    assert (status, said.splitlines()[-1]) == (0, "KEYS old")
    asked.file("/run/gpu-metal/ticket", said)
    file = "/etc/kubernetes/gpu-metal/api-server/encryption-provider-config"
    asked.file(file, '      - secretbox: {keys: [{name: "new", secret: "x"}]}\n')
    status, said = asked.call(STEP, "_fit_keys", INPUTS)
    assert status == 1
    assert "are encrypted with the key old, which the site does not name. Nothing was changed here." in said
    asked.file(file, '      - secretbox: {keys: [{name: "old", secret: "x"}]}\n')
    assert asked.call(STEP, "_fit_keys", INPUTS) == (0, "")


@pytest.mark.row("K14")
def test_one_whose_first_key_no_other_api_server_has_any_more_joins_writing_plain_text(back: StepHost) -> None:
    """The keys changed while it was away: what it wrote with the former one, nobody else could read."""
    file, lines = back.path("/etc/kubernetes/gpu-metal/api-server/encryption-provider-config"), "    providers:\n"
    a, b = (f'      - secretbox: {{keys: [{{name: "{name}", secret: "x"}}]}}\n' for name in "ab")
    plain = "      - identity: {}\n"
    back.file("/run/gpu-metal/ticket", "KEYS b\n")
    for before, after in ((a + plain + b, plain + a + b), (b + a + plain, b + a + plain), (plain + b, plain + b)):
        back.file(str(file.relative_to(back.root)), lines + before)
        assert back.call(STEP, "_fit_keys", INPUTS) == (0, "")
        assert file.read_text() == lines + after
