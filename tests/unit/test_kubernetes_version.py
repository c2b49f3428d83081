"""The version of a cluster's member, with stand-ins of package managers, kubeadm and kubectl.

Does not prove: what kubeadm does in an upgrade (tests/lab/test_upgrade.py).
"""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/kubernetes/steps/kubernetes_version.sh"
DPKG = "[[ -n $SEEN ]] || exit 1; printf 'installed\\tkubelet\\tamd64\\t%s-1.1\\n' \"$SEEN\""
RPM = '[[ -n $SEEN ]] || { echo "package kubelet is not installed"; exit 1; }; printf \'%s-150500.1.1\\n\' "$SEEN"'
PACKAGES = """
for name; do
    if [[ -e $BOX/$name ]]; then printf 'installed\\t%s\\tamd64\\t%s\\n' "$name" "$(<"$BOX/$name")"; fi
done"""
APT = """
echo "apt $*" | grep -oE '^apt|\\b(install|update)\\b|kube[a-z]+=[^ ]+' | uniq | paste -sd ' ' >>"$BOX/did"
if [[ $* == *update* ]]; then touch "$BOX/lists"; exit; fi
[[ -e $BOX/lists ]] || { echo "E: Version '1.34.2-*' for 'kubeadm' was not found"; exit 100; }
for word; do case $word in kube*=*) echo "${word#*=}" | sed 's/-\\*/-1.1/' >"$BOX/${word%%=*}" ;; esac; done"""
KUBEADM = """
echo "kubeadm $*" >>"$BOX/did"
[[ ! -e $BOX/killed ]] || exit 137
[[ $2 != apply ]] || echo "$3" >"$BOX/cluster" """
KUBECTL = """
case "$*" in
    *annotations*) [[ ! -e $BOX/silent ]] || exit 1; printf '%s' "${TURN-}" ;;
    *nodeInfo*) echo "v$(sed 's/-.*//' "$BOX/running") True is ready" ;;
    *readyz) ;;
    *kubeadm-config*) echo "kubernetesVersion: $(<"$BOX/cluster")" ;;
    *'get nodes'*) cat "$BOX/nodes" ;;
esac"""
SYSTEMCTL = """
echo "systemctl $*" >>"$BOX/did"
[[ $* != 'restart kubelet' ]] || cp "$BOX/kubelet" "$BOX/running"
[[ $* != *backup* || ! -e $BOX/share-is-full ]]"""


@pytest.fixture(params=[("ubuntu", "24.04", "debian"), ("rocky", "9.4", "rhel centos fedora")])
def member(request: pytest.FixtureRequest, tmp_path: Path) -> StepHost:
    host = StepHost(tmp_path, *request.param)
    host.program("dpkg-query", DPKG)
    host.program("rpm", RPM)
    host.file("/etc/kubernetes/kubelet.conf", "x\n")
    return host


def guarded(host: StepHost, seen: str, wanted: str = "1.34.2") -> tuple[int, str]:
    host.environment["SEEN"] = seen
    return host.call(STEP, "check", {"version": wanted})


@pytest.mark.row("K1")
def test_a_member_of_another_version_is_seen_on_both_families(member: StepHost) -> None:
    assert guarded(member, "1.34.2") == (0, "")
    seen = "this member runs Kubernetes 1.33.5, wants 1.34.2; pulumi up upgrades it"
    assert guarded(member, "1.33.5") == (10, seen)


@pytest.mark.row("K9")
def test_a_package_upgraded_by_hand_and_a_jump_are_named_with_the_way_on(member: StepHost) -> None:
    status, said = guarded(member, "1.34.10")
    assert (status, said) == (
        10,
        "this member runs Kubernetes 1.34.10, wants 1.34.2; Kubernetes does not go back to an older version. Nothing "
        "was changed. Fix: put 1.34.10 as kubernetes.version in the site; to have the cluster as it was, restore a "
        "backup from before its upgrade",
    )
    status, said = guarded(member, "1.34.2", "1.36.1")
    assert said.endswith("Nothing was changed. Fix: the newest 1.35 as kubernetes.version first, then pulumi up")


@pytest.mark.row("K1")
def test_a_kubelet_without_a_package_is_asked_itself(member: StepHost) -> None:
    member.program("kubelet", "echo Kubernetes v1.32.1")
    status, said = guarded(member, "")
    assert (status, said.split(";")[0]) == (10, "this member runs Kubernetes 1.32.1, wants 1.34.2")


def test_a_host_outside_a_cluster_may_get_any_version(member: StepHost) -> None:
    member.path("/etc/kubernetes/kubelet.conf").unlink()
    assert guarded(member, "1.33.5") == (0, "")


class Node:
    """A member of 1.33.13 on Ubuntu. The folder `box` has its packages by name, what kubeadm set, and `did`."""

    def __init__(self, folder: Path, role: str) -> None:
        self.host, self.role, self.more = StepHost(folder), role, dict[str, str]()
        self.box = folder / "box"
        self.box.mkdir()
        self.host.environment |= {"BOX": str(self.box), "TURN": "1.34.2"}
        texts = {"dpkg-query": PACKAGES, "apt-get": APT, "kubeadm": KUBEADM, "kubectl": KUBECTL, "systemctl": SYSTEMCTL}
        for name, text in {**texts, "apt-config": "", "sleep": "", "journalctl": "echo no space left"}.items():
            self.host.program(name, text)
        for name in ("kubeadm", "kubelet", "kubectl", "running"):
            self.put(name, "1.33.13-1.1")
        self.put("cluster", "v1.33.13")
        self.put("nodes", "cp-1 node-role.kubernetes.io/control-plane\ngpu-1\n")
        self.host.file("/etc/kubernetes/kubelet.conf", "x\n")
        self.host.file("/etc/kubernetes/admin.conf", "x\n")
        self.host.file("/etc/kubernetes/manifests/kube-apiserver.yaml", self.manifest("v1.33.13"))

    @staticmethod
    def manifest(version: str) -> str:
        return f"    image: registry.example.org:5000/k8s/kube-apiserver:{version}\n"

    def put(self, name: str, text: str = "") -> None:
        (self.box / name).write_text(f"{text.strip()}\n")

    def call(self, function: str) -> tuple[int, str]:
        (self.box / "did").unlink(missing_ok=True)
        inputs = {"version": "1.34.2", "node": "cp-1", "role": self.role, **self.more}
        return self.host.call(STEP, function, inputs)

    @property
    def did(self) -> list[str]:
        file = self.box / "did"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def worker(tmp_path: Path) -> Node:
    node = Node(tmp_path, "worker")
    node.host.path("/etc/kubernetes/manifests/kube-apiserver.yaml").unlink()
    return node


@pytest.fixture
def plane(tmp_path: Path) -> Node:
    return Node(tmp_path, "control-plane")


@pytest.mark.row("K9")
def test_a_worker_is_upgraded_in_kubeadms_order(worker: Node) -> None:
    status, said = worker.call("apply")
    assert status == 0, said
    assert worker.did == [
        "apt install kubeadm=1.34.2-*",
        "apt update",
        "apt install kubeadm=1.34.2-*",
        "kubeadm upgrade node",
        "apt install kubelet=1.34.2-* kubectl=1.34.2-*",
        "systemctl daemon-reload",
        "systemctl restart kubelet",
    ]
    assert worker.call("check") == (0, "")


@pytest.mark.row("K9")
@pytest.mark.parametrize("turn", ["", "1.35.4 kept"])
def test_without_a_turn_nothing_is_changed(worker: Node, turn: str) -> None:
    worker.host.environment["TURN"] = turn
    status, said = worker.call("apply")
    assert (status, worker.did) == (1, [])
    assert "this member runs Kubernetes 1.33.13, wants 1.34.2, and has no turn" in said
    worker.put("silent")
    assert "the API server does not show node cp-1" in worker.call("apply")[1]
    assert worker.did == []


@pytest.mark.row("K9")
def test_the_first_control_plane_upgrades_the_cluster_and_the_others_themselves(plane: Node) -> None:
    plane.more = {"ignore": "SystemVerification"}
    assert plane.call("apply")[0] == 0
    assert [line for line in plane.did if "kubeadm upgrade" in line] == [
        "kubeadm upgrade apply v1.34.2 --yes --certificate-renewal=false --ignore-preflight-errors=SystemVerification"
    ]
    assert "its API server is of version v1.33.13, wants v1.34.2" in plane.call("check")[1]
    plane.host.file("/etc/kubernetes/manifests/kube-apiserver.yaml", plane.manifest("v1.34.2"))
    assert plane.call("check") == (0, "")
    plane.put("kubelet", "1.33.13-1.1")
    assert plane.call("apply")[0] == 0
    assert "kubeadm upgrade node --certificate-renewal=false --ignore-preflight-errors=SystemVerification" in plane.did


@pytest.mark.row("K9")
def test_where_kubeadm_was_killed_it_upgrades_the_cluster_again(plane: Node) -> None:
    plane.put("killed")
    assert plane.call("apply")[0] != 0
    plane.put("cluster", "v1.34.2")
    (plane.box / "killed").unlink()
    assert plane.call("check")[1].startswith("this member runs Kubernetes 1.33.13")
    assert plane.call("apply")[0] == 0
    assert plane.did[0] == "kubeadm upgrade apply v1.34.2 --yes --certificate-renewal=false"
    assert not plane.host.path("/etc/kubernetes/gpu-metal/upgrading-cluster").exists()


@pytest.mark.row("K9")
def test_an_api_server_that_is_newer_than_the_site_is_left_alone(plane: Node) -> None:
    """An upgrade was killed between the API server and the kubelet, and the site's version was put back."""
    plane.put("kubelet", "1.34.2-1.1")
    plane.host.file("/etc/kubernetes/manifests/kube-apiserver.yaml", plane.manifest("v1.35.4"))
    status, said = plane.call("apply")
    assert (status, plane.did) == (1, [])
    assert said.startswith("its API server is of version 1.35.4, wants 1.34.2; Kubernetes does not go back to an older")
    assert "Fix: put 1.35.4 as kubernetes.version in the site" in said


@pytest.mark.row("K9")
def test_an_upgrade_that_did_not_end_is_drift(worker: Node) -> None:
    for name in ("kubeadm", "kubelet", "kubectl"):
        worker.put(name, "1.34.2-1.1")
    worker.host.file("/etc/kubernetes/gpu-metal/upgrading", "1.34.2\n")
    assert worker.call("check") == (10, "an upgrade to 1.34.2 began here and did not end; pulumi up goes on")


@pytest.mark.row("K9")
def test_kubeadms_test_job_is_ignored_only_where_no_node_would_take_it(plane: Node) -> None:
    plane.put("nodes", "cp-1 closed node-role.kubernetes.io/control-plane\ngpu-1 nvidia.com/gpu\n")
    assert plane.call("apply")[0] == 0
    assert (
        "kubeadm upgrade apply v1.34.2 --yes --certificate-renewal=false --ignore-preflight-errors=CreateJob"
        in plane.did
    )


@pytest.mark.row("K11")
def test_the_cluster_is_backed_up_first_and_without_a_backup_nothing_is_changed(plane: Node) -> None:
    plane.more = {"backup": "yes"}
    assert "kubernetes.backup is not applied here yet. Nothing was changed" in plane.call("apply")[1]
    plane.host.file("/etc/systemd/system/gpu-metal-backup.service", "")
    plane.put("share-is-full")
    said = plane.call("apply")[1]
    assert said.endswith("the backup before the upgrade failed: no space left. Nothing was changed")
    assert plane.did == ["systemctl start gpu-metal-backup.service"]
    (plane.box / "share-is-full").unlink()
    assert plane.call("apply")[0] == 0
    assert plane.did[:2] == ["systemctl start gpu-metal-backup.service", "apt install kubeadm=1.34.2-*"]


@pytest.mark.row("K9")
def test_a_turn_that_did_not_end_is_drift_and_nothing_for_the_step_to_do(member: StepHost) -> None:
    """As of the last node, or of one whose version was put back: the hooks of the next `up` end it."""
    member.environment |= {"SEEN": "1.34.2", "BOX": str(member.root), "TURN": "1.34.2 kept"}
    member.program("kubectl", KUBECTL)
    assert member.call(STEP, "check", {"version": "1.34.2", "node": "gpu-1"}) == (0, "")
    status, said = member.call(STEP, "check", {"version": "1.34.2", "node": "gpu-1"}, verb="check")
    assert status == 10
    assert "its turn in an upgrade to 1.34.2 did not end, so it may take no new work. Fix: sitectl drift" in said
    member.environment["TURN"] = ""
    assert member.call(STEP, "check", {"version": "1.34.2", "node": "gpu-1"}, verb="check") == (0, "")
