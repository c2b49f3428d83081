"""A control plane that runs is hardened: Secrets encrypted in etcd, with another key, plain again; the CIS benchmark.

Not proven here: several control planes (tests/unit/test_encryption.py has the order of their layers).
"""

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.ssh import Result
from components.hostrun.step import Step
from lab import paths
from ops import cis as verify
from stacks import plan
from tests.scripts.lab_host import HOST, LabHost
from tests.scripts.one_plane import site
from tests.scripts.two_hosts import KUBECTL, prepared

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.row("K14")]

FILE = "/etc/kubernetes/gpu-metal/api-server/encryption-provider-config"
A, B = ({"name": name, "keySecret": f"key{name}"} for name in "ab")
SECRETS = {key["keySecret"]: base64.b64encode(os.urandom(32)).decode() for key in (A, B)}
BEFORE: list[str] = []
STORED = (
    "curl -s --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt"
    " --key /etc/kubernetes/pki/etcd/server.key https://127.0.0.1:2379/v3/kv/range"
    """ -d '{"key":"'$(printf /registry/secrets/default/before | base64)'"}'"""
    """ | sed -n 's/.*"value":"\\([^"]*\\)".*/\\1/p' | base64 -d | tr -cd '[:print:]'"""
)


@dataclass
class Plane:
    """A control plane, alone, which runs since before its site said anything of Secrets."""

    host: LabHost
    folder: Path

    def layers(self, **kubernetes: object) -> dict[str, list[Step]]:
        made = site(self.folder, kubernetes)
        return plan.cluster(made, made.hosts[HOST.name])

    def up(self, **kubernetes: Any) -> set[str]:
        """Layer by layer; returns what changed."""
        # It would let an API server wait that the tests before have ended.
        self.host.bash("systemctl restart kubelet")
        done = {
            f"{layer}/{step}": said
            for layer, steps in self.layers(**kubernetes).items()
            for step, said in self.host.apply(layer, steps, SECRETS).items()
        }
        return {step for step, said in done.items() if said == "changed"}

    def before(self) -> tuple[str, str]:
        """What etcd has of the Secret, and what the API server says that it is."""
        read = self.host.bash(f"{KUBECTL} get secret before -o 'jsonpath={{.data.p}}'")
        return self.host.bash(STORED), base64.b64decode(read).decode()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("GPU_METAL_LAB", str(paths.LAB))
        folder = tmp_path_factory.mktemp("site")
        host = stack.enter_context(prepared(site(folder, {}), HOST.name))
        plane = Plane(host, folder)
        host.apply("node", plane.layers()["node"])
        host.bash(f"{KUBECTL} create secret generic before --from-literal=p=hunter2")
        assert "hunter2" in plane.before()[0]
        BEFORE[:] = host.bash("ls /var/lib/kubelet/pki").split()
        yield plane


def test_switched_on_all_secrets_that_are_there_are_encrypted(plane: Plane) -> None:
    changed = plane.up(encryption={"keys": [A]})
    keys = {"secret-keys/secret_keys", "secret-keys-first/secret_keys", "secrets-written/secrets_written"}
    assert changed == {*keys, "node/api_server"}
    stored, read = plane.before()
    assert (stored.startswith("k8s:enc:secretbox:v1:a:"), read) == (True, "hunter2")
    assert plane.host.bash(f"stat -c '%a %U' {FILE}") == "600 root\n"
    assert plane.host.check() == {}
    assert plane.up(encryption={"keys": [A]}) == set()


def test_out_of_the_site_at_once_is_refused(plane: Plane) -> None:
    done = plane.host.run("node", plane.layers()["node"])
    assert "Secrets in etcd are encrypted with secretbox:v1:a, which the API server would not have" in done.stderr
    assert plane.before()[1] == "hunter2"
    assert plane.up(encryption={"keys": [A]}) == set()


def test_what_is_no_key_and_another_key_of_the_same_name_are_refused(plane: Plane) -> None:
    steps = plane.layers(encryption={"keys": [A]})["secret-keys"]
    for text, says in (
        ("c2hvcnQ=", "is not 32 bytes in base64"),
        (SECRETS["keyb"], "is another than before, and Secrets may"),
    ):
        done = plane.host.run("secret-keys", steps, {"keya": text})
        assert says in done.stderr
        assert text not in done.stdout + done.stderr
    assert plane.before()[1] == "hunter2"


def test_another_key_in_place_of_the_first_takes_one_run(plane: Plane) -> None:
    assert "secrets-written/secrets_written" in plane.up(encryption={"keys": [B]})
    stored, read = plane.before()
    assert (stored.startswith("k8s:enc:secretbox:v1:b:"), read) == (True, "hunter2")
    assert 'name: "a"' not in plane.host.bash(f"cat {FILE}")
    assert plane.host.check() == {}
    assert plane.up(encryption={"keys": [B]}) == set()


def test_a_secret_that_somebody_wrote_otherwise_is_named(plane: Plane) -> None:
    plane.host.bash(f"sed -i '/secretbox/{{h;d}}; /identity/G' {FILE}; pkill -x kube-apiserver; sleep 5")
    plane.host.bash(f"until {KUBECTL} create secret generic other --from-literal=p=1; do sleep 2; done")
    says = plane.host.check()
    assert "the keys in" in says["secret_keys"][1]
    assert "1 of " in says["secrets_written"][1]
    assert "default/other: plain" in says["secrets_written"][1]
    plane.up(encryption={"keys": [B]})
    assert plane.host.check() == {}


def test_written_plain_again_encryption_may_leave_the_site(plane: Plane) -> None:
    plane.up(encryption={"keys": [B], "decrypt": True})
    assert "hunter2" in plane.before()[0]
    assert plane.host.check() == {}
    plane.host.apply("node", plane.layers()["node"])
    for layer in ("secret-keys-only", "secrets-written", "secret-keys-first", "secret-keys"):
        assert plane.host.gpu_metal(f"undo {layer}").returncode == 0
    assert plane.before()[1] == "hunter2"
    assert plane.host.bash(f"ls {FILE} 2>&1 || true").endswith("No such file or directory\n")
    assert plane.host.bash("pgrep -ax kube-apiserver | grep -c encryption || true") == "0\n"
    assert plane.host.check() == {}


UNSIGNED = "curl -sk -o /dev/null -w '%{{http_code}} ' https://127.0.0.1:6443{}"
MODE = "stat -c %a /var/lib/kubelet/config.yaml"


def _deviations(plane: Plane) -> set[str]:
    made = site(plane.folder, {})
    assert made.kubernetes is not None
    answer = Result(0, plane.host.bash("bash -s", verify.SEEN), "")
    found = verify.checks(made.hosts[HOST.name], answer, made.kubernetes)
    return {f"{check.id} {check.status}" for check in found if check.status != "ok"}


def test_by_its_profile_it_runs_as_the_cis_benchmark_asks(plane: Plane) -> None:
    config = f"{KUBECTL} -n kube-system get cm kubeadm-config -o 'jsonpath={{.data}} {{.metadata.annotations}}'; {MODE}"
    before = plane.host.bash(config)
    assert {"cis/1.3.2 failed", "cis/1.4.1 failed", "cis/1.2.15 failed"} < _deviations(plane)
    changed = plane.up(profile="cis")
    wanted = {"api_server_files", "api_server", "cis_files", "controllers"}
    assert changed == {f"node/{step}" for step in wanted}
    assert _deviations(plane) == {"cis/1.2.5 note", "cis/1.2.27,1.2.28 note"}
    asked = ("/livez", "/readyz", "/healthz", "/version", "/api")
    assert plane.host.bash(";".join(map(UNSIGNED.format, asked))).split() == ["200", "200", "200", "401", "401"]
    assert plane.up(profile="cis") == set()
    assert plane.host.check() == {}
    plane.host.bash("rm /var/lib/gpu-metal/controllers")  # as on one that joined with the profile's arguments
    assert "was made from kubeadm-config with what this site put there" in plane.host.check()["controllers"][1]
    assert plane.up(profile="cis") == {"node/controllers"}
    plane.up()
    assert plane.host.bash(config) == before
    assert {"cis/1.3.2 failed", "cis/1.4.1 failed", "cis/1.2.15 failed"} < _deviations(plane)
    assert plane.host.check() == {}


FORGED = """
openssl genrsa -out /run/forged.key 2048 2>/dev/null
openssl req -new -key /run/forged.key -subj "/O=system:nodes/CN=system:node:{node}" -addext "subjectAltName={names}" \
    -out /run/forged.csr
kubectl --kubeconfig /etc/kubernetes/kubelet.conf create -f - <<END
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: {name}}}
spec: {{request: "$(base64 -w 0 </run/forged.csr)", signerName: kubernetes.io/kubelet-serving, usages: [{usages}]}}
END
"""


@pytest.mark.row("K12")
def test_kubelets_serve_what_the_cluster_signed_and_others_get_nothing(plane: Plane) -> None:
    changed = plane.up(kubeletCertificates=True)
    assert changed == {"node/kubelet_requests", "node/kubelet_serving"}
    for name, names, usages in (
        ("of-another", f"DNS:{HOST.name},IP:{HOST.address},IP:10.96.0.1", "digital signature, server auth"),
        ("for-all", f"DNS:{HOST.name},IP:{HOST.address},DNS:kubernetes.default", "digital signature, server auth"),
        ("good", f"DNS:{HOST.name},IP:{HOST.address}", "digital signature, server auth"),
    ):
        plane.host.bash(FORGED.format(node=HOST.name, name=name, names=names, usages=usages))
    said = plane.host.bash("gpu-metal-kubelet-requests; journalctl -t gpu-metal-kubelet-requests -o cat")
    approved = plane.host.bash(f"{KUBECTL} get csr -o 'jsonpath={{.items[?(@.status.certificate)].metadata.name}}'")
    assert {"good"} == {"of-another", "for-all", "good"} & {*approved.split()}
    assert f"not approved: of-another of system:node:{HOST.name}: it has IPAddress:10.96.0.1" in said
    authority = {"kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt"}
    plane.up(kubeletCertificates=True, apiServer=authority)
    pod = plane.host.bash(f"{KUBECTL} -n kube-system get pods -l component=etcd -o name").strip()
    assert '"level"' in plane.host.bash(f"{KUBECTL} -n kube-system logs {pod} --tail=50")
    assert plane.host.check() == {}
    assert plane.up(kubeletCertificates=True, apiServer=authority) == set()
    plane.up()
    assert plane.host.bash("ls /var/lib/kubelet/pki").split() == BEFORE
    assert plane.host.check() == {}
