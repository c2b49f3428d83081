"""docs/how-to/authority.md, as it is written: a cluster that runs gets another authority.

Not proven here: several control planes, kubelets' serving certificates, platforms that run meanwhile.
"""

from collections.abc import Iterator

import pytest

from tests.scripts.two_hosts import KUBECTL, ROOT, Cluster, before_kubernetes

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("db-1", "db-2"), pytest.mark.row("K12")]

SCRIPT = (ROOT / "docs/how-to/authority.sh").read_text()
BOTH = "get configmap kube-root-ca.crt -o 'jsonpath={.data.ca\\.crt}' | grep -c BEGIN"
UIDS = "get nodes,namespaces -o 'jsonpath={.items[*].metadata.uid}'"
READY = "wait --for=condition=Ready node --all --timeout=240s"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with before_kubernetes(tmp_path_factory.mktemp("dev"), "db-1", "db-2") as made:
        for name in made.hosts:
            made.join(name)
        yield made


def say(cluster: Cluster, word: str) -> None:
    for host in cluster.hosts.values():
        host.bash(f"bash -s {word}", SCRIPT)
    cluster.kubectl(READY)


def test_all_certificates_are_of_the_new_authority_and_the_old_one_opens_nothing(cluster: Cluster) -> None:
    before = cluster.kubectl(UIDS)
    cluster.plane.bash("cp /etc/kubernetes/admin.conf /root/former.conf")
    cluster.plane.bash("bash -s make", SCRIPT)
    for name in ("old.crt", "new.crt"):
        text = cluster.plane.bash(f"cat /root/authority/{name}")
        cluster.worker.bash(f"mkdir -p /root/authority; cat >/root/authority/{name}", text)
    say(cluster, "trust")
    cluster.plane.bash(f"for i in {{1..60}}; do [[ $({KUBECTL} {BOTH}) != 2 ]] || exit 0; sleep 2; done; exit 1")
    cluster.kubectl("-n kube-system rollout restart deployment,daemonset")
    say(cluster, "sign")
    say(cluster, "end")
    assert cluster.kubectl(UIDS) == before
    refused = cluster.plane.bash("kubectl --kubeconfig /root/former.conf --request-timeout=20s get nodes 2>&1 || true")
    assert "certificate" in refused or "Unauthorized" in refused or "logged in" in refused
    cluster.kubectl("-n kube-system rollout status deployment coredns --timeout=240s")
    issuers = cluster.plane.bash(
        "cd /etc/kubernetes/pki; for c in apiserver.crt apiserver-kubelet-client.crt "
        "/var/lib/kubelet/pki/kubelet-client-current.pem; do openssl x509 -in $c -noout -issuer; done | sort -u"
    )
    assert issuers.strip() == cluster.plane.bash("openssl x509 -in /root/authority/new.crt -noout -issuer").strip()
    assert {*cluster.plane.check()} <= {"kubeconfig_read"}
    assert cluster.worker.check() == {}


def test_afterwards_a_host_joins_as_before(cluster: Cluster) -> None:
    cluster.apply_members("db-1")
    assert cluster.worker.gpu_metal("undo node").returncode == 0
    assert cluster.join("db-2")["cluster_member"] == "changed"
    assert cluster.nodes() == ["node/db-1", "node/db-2"]
