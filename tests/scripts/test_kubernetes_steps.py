"""Kubernetes by its steps on two emulated hosts: begin, join, leave, come back, killed on the way, no trace left.

Not proven here: three control planes and their quorum, flannel, upgrades, SSH from the operator's machine to a bastion.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from components.engine.config import Containerd
from components.host.net import Dns
from components.kubernetes import kubeadm
from components.kubernetes.api_server import FOLDER
from components.kubernetes.oidc import Oidc
from lab import paths
from lab.hosts import faults, lab
from stacks import plan
from tests.scripts.issuer import issuer
from tests.scripts.kubeadm_host import HALF_WAY, killed
from tests.scripts.lab_host import differences
from tests.scripts.two_hosts import KUBECTL, Cluster, dev_site, prepared

pytestmark = [pytest.mark.lab, pytest.mark.hosts("db-1", "db-2")]

ROOT = Path(__file__).parents[2]
POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: {}\n"
LOG = "/var/log/gpu-metal-audit/audit.log"
TOKEN = r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Built with a begin and a join that were killed in the middle; its API server writes an audit log."""
    policy = tmp_path_factory.mktemp("site") / "audit.yaml"
    policy.write_text(POLICY.format("Metadata"))
    audited = {"api_server": {"audit-log-path": LOG}, "api_server_files": {"audit-policy-file": policy}}
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("GPU_METAL_LAB", str(paths.LAB))
        site = dev_site(tmp_path_factory.mktemp("dev"))
        assert site.kubernetes is not None
        site = site.model_copy(update={"kubernetes": site.kubernetes.model_copy(update=audited)})
        hosts = {name: stack.enter_context(prepared(site, name)) for name in ("db-1", "db-2")}
        made = Cluster(site, policy, hosts, {})
        for name, host in hosts.items():
            made.before[name] = host.snapshot()
            verb, once = HALF_WAY[name]
            with killed(host, verb, once):
                made.give_ticket(name)
                assert host.run("node", made.node(name)).returncode == 1
            assert host.bash("cat /etc/kubernetes/gpu-metal/begun") == f"{verb}\n"
            assert made.join(name)["cluster_member"] == "changed"
        yield made


def test_nothing_changes_twice(cluster: Cluster) -> None:
    for name, host in cluster.hosts.items():
        assert set(host.apply("node", cluster.node(name)).values()) == {"unchanged"}
        assert host.check() == {}
    assert set(cluster.apply_members("db-1", "db-2").values()) == {"unchanged"}


def test_a_layer_of_an_earlier_release_is_taken_over_and_its_undo_drains_nobody(cluster: Cluster) -> None:
    """There each node had a layer, and Pulumi deletes its resource after the group was applied."""
    cluster.plane.apply("member-db-2", cluster.members("db-2"))
    assert cluster.apply_members("db-1", "db-2")["node_member#db-2"] == "changed"
    assert cluster.plane.gpu_metal("undo member-db-2").returncode == 0
    assert cluster.nodes() == ["node/db-1", "node/db-2"]
    assert cluster.plane.check() == {}


@pytest.mark.row("K5")
def test_nothing_that_let_a_node_in_is_left(cluster: Cluster) -> None:
    """gK1, and gX4: no token on any disk."""
    assert "bootstrap" not in cluster.kubectl("-n kube-system get secrets -o jsonpath='{.items[*].type}'")
    for host in cluster.hosts.values():
        texts = host.bash(
            "cat /var/lib/gpu-metal/log/*/* /run/gpu-metal/* /etc/kubernetes/gpu-metal/* 2>/dev/null || true"
        )
        assert not re.search(TOKEN, texts)
        assert host.bash("ls /run/gpu-metal /etc/kubernetes").split().count("ticket") == 0


@pytest.mark.row("K4", "K10")
def test_pods_reach_each_other_and_names(cluster: Cluster) -> None:
    for name in cluster.hosts:
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"on-{name}", "labels": {"app": "ping"}},
            "spec": {
                "nodeName": name,
                "terminationGracePeriodSeconds": 1,
                "tolerations": [{"operator": "Exists"}],
                "containers": [{"name": "c", "image": "registry.k8s.io/busybox:1.36", "command": ["sleep", "900"]}],
            },
        }
        cluster.plane.bash(f"{KUBECTL} apply -f -", json.dumps(pod))
    cluster.kubectl("wait --for=condition=Ready pod -l app=ping --timeout=300s")
    cluster.kubectl("-n kube-system wait --for=condition=Available deployment/coredns --timeout=300s")
    address = cluster.kubectl("get pod on-db-1 -o jsonpath={.status.podIP}")
    assert "0% packet loss" in cluster.kubectl(f"exec on-db-2 -- ping -c 2 -W 2 {address}")
    assert "10.96.0.1" in cluster.kubectl("exec on-db-2 -- nslookup kubernetes.default.svc.cluster.local")
    cluster.kubectl("delete pod -l app=ping")


@pytest.mark.row("H15", "K4")
def test_coredns_asks_the_name_servers_that_its_node_asks_now(cluster: Cluster) -> None:
    asked = "for p in $(pgrep -x coredns); do sed -n 's/^nameserver //p' /proc/$p/root/etc/resolv.conf; done | sort -u"
    dns = Dns.model_validate({"servers": ["10.213.77.1"]})
    for name, host in cluster.hosts.items():
        host.bash("cp /etc/resolv.conf /root/; echo nameserver 10.213.77.1 >/etc/resolv.conf")
        host.apply("node", plan.node(cluster.site, cluster.site.hosts[name].model_copy(update={"dns": dns})))
        assert host.check() == {}
    cluster.kubectl("-n kube-system wait --for=condition=Available deployment/coredns --timeout=120s")
    assert {line for host in cluster.hosts.values() for line in host.bash(asked).split()} == {"10.213.77.1"}
    for name, host in cluster.hosts.items():
        host.bash("cat /root/resolv.conf >/etc/resolv.conf; rm /root/resolv.conf")
        host.apply("node", cluster.node(name))


@pytest.mark.row("K2")
def test_a_changed_file_of_the_api_server_is_in_use(cluster: Cluster) -> None:
    """That a bad one gives way takes minutes of the kubelet's patience: tests/unit/test_api_server_files.py has it."""
    assert '"level":"Metadata"' in cluster.plane.bash(f"tail -n 1 {LOG}")
    cluster.policy.write_text(POLICY.format("None"))
    assert cluster.plane.apply("node", cluster.node("db-1"))["api_server_files"] == "changed"
    size = cluster.plane.bash(f"stat -c %s {LOG}")
    assert (len(cluster.nodes()), cluster.plane.bash(f"stat -c %s {LOG}")) == (2, size)


@pytest.mark.row("K7")
def test_labels_and_taints_of_others_survive(cluster: Cluster) -> None:
    """gK10"""
    cluster.kubectl("label node db-2 theirs=1")
    cluster.kubectl("taint node db-2 theirs=1:PreferNoSchedule")
    ours = cluster.members("db-2", labels={"ours": "1"}, taints=("ours=1:NoSchedule", "bare=:NoSchedule"))
    cluster.plane.apply("members-00", [*cluster.members("db-1"), *ours])
    assert _ours_and_theirs(cluster) == {"ours", "theirs", "bare"}
    cluster.apply_members("db-1", "db-2")
    assert _ours_and_theirs(cluster) == {"theirs"}
    cluster.kubectl("taint node db-2 theirs-")
    cluster.kubectl("label node db-2 theirs-")


def _ours_and_theirs(cluster: Cluster) -> set[str]:
    node = json.loads(cluster.kubectl("get node db-2 -o json"))
    keys = {*node["metadata"]["labels"], *(taint["key"] for taint in node["spec"].get("taints", []))}
    return {key for key in keys if key in {"ours", "theirs", "bare"}}


def test_a_pod_that_nobody_restarts_stops_a_removal(cluster: Cluster) -> None:
    """gK3: named, not forced; the node takes work again."""
    cluster.kubectl(
        "run bare --image registry.k8s.io/busybox:1.36 --overrides "
        """'{"spec":{"nodeName":"db-2","terminationGracePeriodSeconds":1}}' --command -- sleep 900"""
    )
    done = cluster.plane.run("members-00", cluster.members("db-1"))
    assert done.returncode == 1
    assert "default/bare" in done.stderr
    assert cluster.kubectl("get node db-2 -o jsonpath={.spec.unschedulable}") == ""
    cluster.kubectl("delete pod bare")
    assert set(cluster.apply_members("db-1", "db-2").values()) == {"unchanged"}  # as the site has them again


@pytest.mark.row("K8")
def test_a_drained_node_has_no_work_until_the_site_takes_it_back(cluster: Cluster) -> None:
    drained = [*cluster.members("db-1"), *cluster.members("db-2", state="drained")]
    assert cluster.plane.apply("members-00", drained)["node_drained#db-2"] == "changed"
    assert cluster.kubectl("get node db-2 -o jsonpath={.spec.unschedulable}") == "true"
    assert set(cluster.plane.apply("members-00", drained).values()) == {"unchanged"}
    cluster.apply_members("db-1", "db-2")
    assert cluster.kubectl("get node db-2 -o jsonpath={.spec.unschedulable}") == ""


@pytest.mark.row("K2")
def test_settings_that_cannot_change_are_refused_by_name(cluster: Cluster) -> None:
    assert cluster.site.kubernetes is not None
    other = cluster.site.kubernetes.model_copy(update={"cluster_domain": "other.local"})
    changed = cluster.site.model_copy(update={"kubernetes": other})
    done = cluster.plane.run("node", plan.node(changed, cluster.site.hosts["db-1"]))
    assert done.returncode == 1
    assert "dnsDomain of the running cluster is cluster.local, wanted other.local" in done.stderr


@pytest.mark.row("K2", "K3")
def test_a_running_api_server_takes_names_arguments_and_sign_in_of_the_site(cluster: Cluster) -> None:
    """Old certificates of clients go on working; what is changed by hand is seen and mended."""
    issuer = {"issuer": "https://login.example.org", "client": "lab", "groupsClaim": "groups"}
    cluster.change(
        extra_sans=("api.example.org", "*.apps.example.org", "2001:db8::7"),
        api_server={"audit-log-path": LOG, "audit-log-maxage": "3", "profiling": "false"},
        oidc=Oidc.model_validate(issuer),
    )
    assert cluster.plane.apply("node", cluster.node("db-1"))["api_server"] == "changed"
    for name in ("api.example.org", "x.apps.example.org", "2001:db8::7"):
        assert cluster.kubectl(f"--tls-server-name {name} get --raw /readyz") == "ok"
    assert {"--profiling=false", "--audit-log-maxage=3"} <= cluster.api_server_runs_with()
    assert f"--authentication-config={FOLDER}/authentication-config" in cluster.api_server_runs_with()
    kept = cluster.kubectl("-n kube-system get configmap kubeadm-config -o yaml")
    assert all(text in kept for text in ("name: profiling", "- api.example.org"))
    # A kubelet that stands still does not restart the API server for what is mended at once.
    manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    cluster.plane.bash(f"pkill -STOP -x kubelet; sed -i 's/profiling=false/profiling=true/; /maxage/d' {manifest}")
    hand = "--audit-log-maxage is absent, wanted --audit-log-maxage=3; saw --profiling=true, wanted --profiling=false"
    assert cluster.plane.check() == {"api_server": ("drift", f"{manifest}: {hand}")}
    assert cluster.plane.apply("node", cluster.node("db-1"))["api_server"] == "changed"
    cluster.plane.bash("pkill -CONT -x kubelet")
    assert cluster.plane.check() == {}
    before = cluster.environment_and_probe_by_hand(manifest)
    assert re.search("env GODEBUG=sha256:.*; saw livenessProbe=", cluster.plane.check()["api_server"][1])
    assert cluster.plane.apply("node", cluster.node("db-1"))["api_server"] == "changed"
    assert (cluster.plane.bash(f"cat {manifest}"), cluster.plane.check()) == (before, {})


@pytest.mark.long
@pytest.mark.row("K3")
def test_an_api_server_that_does_not_start_goes_back_and_what_leaves_the_site_goes(cluster: Cluster) -> None:
    before, known = cluster.api_server_runs_with(), cluster.site
    assert known.kubernetes is not None
    cluster.change(api_server={**known.kubernetes.api_server, "event-ttl": "never"})
    done = cluster.plane.run("node", cluster.node("db-1"))
    assert done.returncode == 1
    said = 'invalid argument "never" for "--event-ttl" flag: time: invalid duration "never". The former ones are back'
    assert said in done.stderr
    assert cluster.api_server_runs_with() == before
    cluster.change(api_server={"audit-log-path": LOG}, extra_sans=(), oidc=None)
    assert cluster.plane.apply("node", cluster.node("db-1"))["api_server"] == "changed"
    assert cluster.plane.check() == {}
    assert not [
        each for each in cluster.api_server_runs_with() if "profiling" in each or "authentication-config" in each
    ]
    assert cluster.plane.bash(f"ls {FOLDER}") == "audit-policy-file\n"
    names = cluster.plane.bash("openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName")
    assert ("DNS:db-1" in names, "example.org" in names) == (True, False)


@pytest.mark.long
@pytest.mark.row("K3")
def test_people_sign_in_and_nobody_as_kubernetes_itself(cluster: Cluster, tmp_path: Path) -> None:
    with issuer(tmp_path) as login:
        said = {"issuer": login.url, "client": "lab", "usernameClaim": "name", "usernamePrefix": ""}
        cluster.change(oidc=Oidc.model_validate({**said, "groupsClaim": "groups", "caFile": str(login.authority)}))
        assert "changed" in cluster.plane.apply("node", cluster.node("db-1")).values()
        assert cluster.whoami(login.token("lab", name="ana", groups=["ml"])) == "ana oidc:ml system:authenticated"
        assert "Unauthorized" in cluster.whoami(login.token("lab", name="system:admin"))


@pytest.mark.row("K2")
def test_kubeadm_reads_what_versions_before_1_31_are_given(cluster: Cluster) -> None:
    """The lab's own version still reads v1beta3, and refuses fields that it does not know."""
    plane, kubernetes, engine = cluster.site.hosts["db-1"], cluster.site.kubernetes, cluster.site.container_engine
    assert kubernetes
    assert isinstance(engine, Containerd)
    old = kubernetes.model_copy(update={"version": "1.30.0"})
    more: dict[str, Any] = {"cluster": "dev", "kubernetes": old, "network": cluster.site.network, "engine": engine}
    text = kubeadm.init_config(plane, [plane], **more).replace("v1.30.0", f"v{kubernetes.version}")
    assert "kubeadm.k8s.io/v1beta3" in text
    cluster.plane.bash("cat >/run/old.yaml; kubeadm config validate --config /run/old.yaml; rm /run/old.yaml", text)


@pytest.mark.row("K8", "X15")
def test_a_dead_worker_is_taken_out_and_cannot_come_back_by_itself(cluster: Cluster) -> None:
    """gD2 (the cluster's part), gD4; then it joins again, with its taint and label from the first moment."""
    told = cluster.worker.run("node", cluster.node("db-2")).stdout
    faults.power_cut(cluster.worker.machine)
    assert cluster.apply_members("db-1") == {"node_member#db-1": "unchanged"}
    assert cluster.nodes() == ["node/db-1"]
    lab.start(cluster.worker.machine)
    refused = "journalctl -b -u kubelet | grep -m 1 gpu-metal-gone"
    assert cluster.worker.bash(f"timeout 300 bash -c 'until {refused}; do sleep 1; done'")
    assert cluster.nodes() == ["node/db-1"]
    cluster.give_ticket("db-2")
    again = cluster.worker.run("node", cluster.node("db-2"))
    node = json.loads(cluster.kubectl("get node db-2 -o json"))
    assert node["metadata"]["labels"]["pool"] == "a"
    assert {"key": "pool", "value": "a", "effect": "PreferNoSchedule"} in node["spec"]["taints"]
    assert again.stdout.splitlines()[0] == told.splitlines()[0]
    assert again.stdout == cluster.worker.run("node", cluster.node("db-2")).stdout != told
    assert cluster.apply_members("db-1", "db-2")["node_member#db-2"] == "changed"  # it has no role yet
    assert cluster.nodes() == ["node/db-1", "node/db-2"]


def test_leaving_leaves_no_trace(cluster: Cluster) -> None:
    """gD1: the worker first, then the cluster with its last control plane."""
    for name in ("db-2", "db-1"):
        if name == "db-2":
            cluster.apply_members("db-1")
        else:
            assert cluster.plane.gpu_metal("undo members-00").returncode == 0
        done = cluster.hosts[name].gpu_metal("undo node")
        assert done.returncode == 0, done.stderr
    for name, host in cluster.hosts.items():
        found = differences(cluster.before[name], host.snapshot())
        left = {path: what for path, what in found.items() if "gpu-metal" not in path}
        assert not left, (name, left)
