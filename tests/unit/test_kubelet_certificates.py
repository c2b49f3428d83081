"""Serving certificates of kubelets: which a control plane approves, with stand-ins of kubectl.

Does not prove: that a kubelet asks and serves; tests/scripts/test_hardened.py does.
"""

import base64
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from components.host.config import Host
from components.kubernetes import kubelet_certificates
from components.kubernetes.kubelet_certificates import as_shown
from tests.unit.step_host import StepHost

pytestmark = pytest.mark.row("K12")

PROGRAM = Path(__file__).parents[2] / "components/kubernetes/programs/requests.sh"
GROUPS = "system:nodes,system:authenticated"
USAGES = "digital signature,server auth"
NAMES = "DNS:cpu-1,IP:10.0.0.21"
PLANE, WORKER = (
    Host.model_validate({"name": name, "address": address, "roles": [role], "hostKey": "ssh-ed25519 AAAA"})
    for name, address, role in (("cp-1", "10.0.0.11", "control-plane"), ("cpu-1", "10.0.0.21", "worker"))
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
    return path


def asked(
    tmp_path: Path,
    key: Path,
    worker: Host = WORKER,
    /,
    *,
    user: str,
    subject: str,
    names: str,
    groups: str,
    usages: str,
) -> str:
    """What the program says of one request."""
    request = ["openssl", "req", "-new", "-key", str(key), "-subj", subject]
    more = ["-addext", f"subjectAltName={names}"] if names else []
    made = subprocess.run([*request, *more], capture_output=True, check=True)
    host = StepHost(tmp_path)
    [step, _] = kubelet_certificates.steps(PLANE, [PLANE, worker])
    host.file("/etc/kubernetes/gpu-metal/kubelets", step.bulk["kubelets"])
    line = f"csr-1 {user} {groups}, {usages}, {base64.b64encode(made.stdout).decode()}"
    host.file("/csr", f"{line}\n")
    host.program("kubectl", f'[[ $* == *"get csr"* ]] && cat {host.root}/csr || echo "$*" >>{host.root}/approved')
    program = host.root / "program"
    program.write_text(host._moved(PROGRAM.read_text()))
    env = {"PATH": f"{host.root}/bin:/usr/bin:/bin"}
    done = subprocess.run(["bash", program], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    approved = host.path("/approved").exists()
    assert approved == done.stdout.startswith("approved: csr-1 of ")
    return done.stdout.strip()


GOOD = {
    "user": "system:node:cpu-1",
    "subject": "/O=system:nodes/CN=system:node:cpu-1",
    "names": NAMES,
    "groups": GROUPS,
    "usages": USAGES,
}


@pytest.mark.parametrize("names", [NAMES, "IP:10.0.0.21", "DNS:cpu-1"])
def test_a_host_of_the_site_gets_a_certificate_for_itself(tmp_path: Path, key: Path, names: str) -> None:
    assert asked(tmp_path, key, **{**GOOD, "names": names}) == "approved: csr-1 of system:node:cpu-1"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"user": "system:node:evil"}, "system:node:evil is no host of the site"),
        ({"user": "ops"}, "ops is no host of the site"),
        ({"user": "system:node:"}, "system:node: is no host of the site"),
        ({"groups": "system:authenticated"}, "system:node:cpu-1 is not in system:nodes"),
        ({"usages": "client auth"}, "it is for client,"),
        ({"usages": "server auth,client auth"}, "it is for server,client,"),
        ({"subject": "/O=system:nodes/CN=system:node:cp-1"}, "its subject is not system:node:cpu-1"),
        ({"subject": "/O=system:masters/CN=system:node:cpu-1"}, "its subject is not system:node:cpu-1"),
        ({"names": f"{NAMES},IP:10.0.0.11"}, "it has IPAddress:10.0.0.11, which are not of cpu-1, 10.0.0.21"),
        ({"names": f"{NAMES},DNS:kubernetes"}, "it has DNS:kubernetes, which"),
        ({"names": f"{NAMES},email:a@example.org"}, "it has email:a@example.org, which"),
        ({"names": f"{NAMES},URI:spiffe://x"}, "it has URI:spiffe://x, which"),
        ({"names": ""}, "it has no name and no address"),
    ],
)
def test_anything_else_waits_for_a_person(tmp_path: Path, key: Path, more: dict[str, str], why: str) -> None:
    said = asked(tmp_path, key, **{**GOOD, **more})
    assert said.startswith("not approved: csr-1 of ")
    assert why in said


@pytest.mark.parametrize("hidden", [b"\x87\x04\x0a\x00\x00\x0b", b"\x82\x0akubernetes"])
def test_a_name_with_a_line_end_hides_no_other(tmp_path: Path, key: Path, hidden: bytes) -> None:
    """openssl prints what follows it on the next line, and the cluster signs it."""
    names = b"\x82\x09cpu-1\n  x" + hidden
    der = bytes([0x30, len(names)]) + names
    said = asked(tmp_path, key, **{**GOOD, "names": f"DER:{der.hex(':')}"})
    assert "its names are not encoded as a kubelet does it for cpu-1, 10.0.0.21" in said


def test_a_host_with_an_ipv6_address_gets_one(tmp_path: Path, key: Path) -> None:
    worker = WORKER.model_copy(update={"address": ip_address("fd00::1:a0b")})
    said = asked(tmp_path, key, worker, **{**GOOD, "names": "DNS:cpu-1,IP:fd00::1:a0b"})
    assert said == "approved: csr-1 of system:node:cpu-1"


def test_addresses_are_spelled_as_openssl_does() -> None:
    assert as_shown(ip_address("10.0.0.1")) == "10.0.0.1"
    assert as_shown(ip_address("fd00::1:a0b")) == "FD00:0:0:0:0:0:1:A0B"


def test_control_planes_approve_and_all_hosts_ask() -> None:
    assert [step.id for step in kubelet_certificates.steps(PLANE, [PLANE, WORKER])] == [
        "kubelet_requests",
        "kubelet_serving",
    ]
    of_worker = kubelet_certificates.steps(WORKER, [PLANE, WORKER])
    assert [step.id for step in of_worker] == ["kubelet_serving"]
    assert of_worker[0].inputs == {"node": "cpu-1", "address": "10.0.0.21"}
