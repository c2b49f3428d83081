"""Bad luck of a running cluster on two real nodes: what each message says, and that the next run goes on.

The tests build on each other. Not proven here: several control planes; clocks that differ (a lab's hosts share one).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.scripts.lab_host import LabHost
from tests.scripts.two_hosts import KUBECTL, Cluster, before_kubernetes

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("db-1", "db-2"), pytest.mark.row("K5", "K12")]

PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Its control plane; the worker is prepared, and no member yet."""
    with before_kubernetes(tmp_path_factory.mktemp("dev"), "db-1", "db-2") as made:
        assert made.join("db-1")["cluster_member"] == "changed"
        yield made


def until_ready(cluster: Cluster, name: str) -> None:
    ready = f"get node {name} -o 'jsonpath={{.status.conditions[?(@.type==\"Ready\")].status}}'"
    cluster.plane.bash(f"for i in {{1..150}}; do [[ $({KUBECTL} {ready}) != True ]] || exit 0; sleep 2; done; exit 1")


def ended(cluster: Cluster, host: LabHost, node: str) -> str:
    """A certificate of the cluster's authority for the node's kubelet that ended yesterday, with its key."""
    pki = "/etc/kubernetes/pki"
    authority = x509.load_pem_x509_certificate(cluster.plane.bash(f"cat {pki}/ca.crt").encode())
    signer = load_pem_private_key(cluster.plane.bash(f"cat {pki}/ca.key").encode(), None)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = [
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "system:nodes"),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, f"system:node:{node}"),
    ]
    made = x509.CertificateBuilder(
        authority.subject,
        x509.Name(who),
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(366),
        now - timedelta(1),
    ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    text = made.sign(signer, SHA256()).public_bytes(Encoding.PEM)  # type: ignore[arg-type]
    text += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    host.bash(f"systemctl stop kubelet; rm {PEM}; cat >{PEM}; chmod 600 {PEM}", text.decode())
    said = "journalctl -u kubelet -n 20 -o cat"
    host.bash("systemctl start kubelet || true")
    host.bash(f"for i in {{1..60}}; do {said} | grep -q bootstrap && break; sleep 1; done")
    return host.bash(said)


def test_a_ticket_that_is_too_old_is_refused_at_once(cluster: Cluster) -> None:
    cluster.give_ticket("db-2")
    older = "s/^BROUGHT .*/BROUGHT $(($(cut -d . -f 1 /proc/uptime) - 960))/"
    cluster.worker.bash(f'grep -q "^BROUGHT [0-9]" /run/gpu-metal/ticket; sed -i "{older}" /run/gpu-metal/ticket')
    done = cluster.worker.run("node", cluster.node("db-2"))
    assert done.returncode == 1
    assert "the ticket to join with is 16 min old, and was good for 15" in done.stderr
    assert cluster.nodes() == ["node/db-1"]
    assert cluster.join("db-2")["cluster_member"] == "changed"
    assert cluster.nodes() == ["node/db-1", "node/db-2"]


def test_a_worker_that_was_off_for_longer_than_its_certificate_signs_in_again(cluster: Cluster) -> None:
    uid = cluster.kubectl("get node db-2 -o 'jsonpath={.metadata.uid}'")
    assert "unable to load bootstrap kubeconfig" in ended(cluster, cluster.worker, "db-2")
    assert "the kubelet's certificate ended on" in cluster.worker.check()["kubelet_client"][1]
    done = cluster.worker.run("node", cluster.node("db-2"))
    assert "no ticket to sign in with was brought" in done.stderr
    cluster.give_ticket("db-2")
    assert cluster.worker.apply("node", cluster.node("db-2"))["kubelet_client"] == "changed"
    until_ready(cluster, "db-2")
    assert cluster.kubectl("get node db-2 -o 'jsonpath={.metadata.uid}'") == uid
    assert cluster.kubectl("get node db-2 -o 'jsonpath={.metadata.labels.pool}'") == "a"
    assert "ls: cannot access" in cluster.worker.bash("ls /etc/kubernetes/bootstrap-kubelet.conf 2>&1 || true")
    assert cluster.worker.check() == {}


def test_so_does_a_control_plane_without_any_other(cluster: Cluster) -> None:
    ended(cluster, cluster.plane, "db-1")
    # Its pods ended with it, as after a reboot.
    cluster.plane.bash(
        "pkill -KILL -x 'kube-apiserver|etcd' || true; while pgrep -x kube-apiserver; do sleep 0.1; done"
    )
    assert cluster.plane.apply("node", cluster.node("db-1"))["kubelet_client"] == "changed"
    until_ready(cluster, "db-1")
    cluster.apply_members("db-1", "db-2")  # ends the token that let db-2 sign in again
    assert cluster.plane.check() == {}


def test_while_no_api_server_answers_nothing_is_taken_for_gone(cluster: Cluster) -> None:
    manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    cluster.plane.bash(
        f"mv {manifest} /root/; for i in {{1..60}}; do pgrep -x kube-apiserver >/dev/null || break; sleep 1; done"
    )
    member = cluster.worker.run("node", cluster.node("db-2"))
    node = cluster.plane.run("members-00", cluster.members("db-1", "db-2"))
    cluster.plane.bash(f"mv /root/kube-apiserver.yaml {manifest}; systemctl restart kubelet")
    assert (member.returncode, node.returncode) == (1, 1)
    assert "the API server https://" in member.stderr
    assert "does not answer" in member.stderr
    until_ready(cluster, "db-2")
    assert set(cluster.apply_members("db-1", "db-2").values()) == {"unchanged"}
    assert cluster.nodes() == ["node/db-1", "node/db-2"]


def test_an_etcd_whose_disk_is_full_is_said_and_comes_back(cluster: Cluster) -> None:
    """etcd needs room for its next log when it starts."""
    plane, data = cluster.plane, "/var/lib/etcd"
    stop = "mv /etc/kubernetes/manifests/etcd.yaml /root/; while pgrep -x etcd >/dev/null; do sleep 1; done"
    plane.bash(f"{stop}; cp -a {data}/member /root/member; mount -t tmpfs -o size=400m,mode=0700 full {data}")
    plane.bash(
        f"cp -a /root/member {data}/; rm -rf {data}/member/wal/*.tmp; head -c 1G /dev/zero >{data}/filler || true"
    )
    plane.bash("mv /root/etcd.yaml /etc/kubernetes/manifests/; systemctl restart kubelet; sleep 60")
    said = cluster.plane.run("node", cluster.node("db-1")).stderr
    plane.bash(f"rm {data}/filler; systemctl restart kubelet")
    until_ready(cluster, "db-1")
    assert f"The disk of {data} is full" in said
    assert cluster.nodes() == ["node/db-1", "node/db-2"]
    plane.bash(f"{stop}; rm -rf /root/member; cp -a {data}/member /root/member; umount {data}; rm -rf {data}/member")
    plane.bash(f"cp -a /root/member {data}/; mv /root/etcd.yaml /etc/kubernetes/manifests/; systemctl restart kubelet")
    until_ready(cluster, "db-1")
    assert cluster.plane.check() == {}
