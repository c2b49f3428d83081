"""The upgrade of a cluster by one edit of its site: a control plane and a worker from one minor version to the next.

Killed while kubeadm upgrades the control plane, and resumed. Does not prove: several control planes, a load balancer
before them, a vendor's own packages (the lab's are named and divided as upstream's), other systems than Debian.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.depot import former
from lab.hosts import lab as hosts
from lab.hosts.inventory import host as lab_host
from lab.tools.catalogue import KUBERNETES
from tests.lab.stack import ROOT, Stack, kill_session, on, until

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("new-1", "new-2")]

PLANE, WORKER = "new-1", "new-2"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "work", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "work"}},
        "template": {
            "metadata": {"labels": {"app": "work"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "c", "image": "registry.k8s.io/busybox:1.36", "command": ["sleep", "9999"]}],
            },
        },
    },
}


def kubectl(*words: str) -> Any:
    admin = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
    return json.loads(on(PLANE, [*admin, *words, "-o", "json"], limit=180))


def nodes() -> dict[str, tuple[str, bool, dict[str, str]]]:
    """By name: the kubelet's version, whether it takes no new work, annotations of an upgrade."""
    found = {}
    for node in kubectl("get", "nodes")["items"]:
        marks = {k: v for k, v in node["metadata"]["annotations"].items() if k.startswith("gpu-metal/")}
        version, closed = node["status"]["nodeInfo"]["kubeletVersion"], node["spec"].get("unschedulable", False)
        found[node["metadata"]["name"]] = version, closed, marks
    return found


@pytest.fixture(scope="module")
def stack(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Stack:  # noqa: ARG001 - the lab runs
    """The lab's site on two hosts, with the earlier version, at work."""
    former.publish()
    for name in (PLANE, WORKER):
        hosts.reset(lab_host(name))
    site = YAML().load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    for key in ("groups", "users", "projects"):
        del site[key]
    site["hosts"] = {
        PLANE: {"address": lab_host(PLANE).address, "roles": ["control-plane"]},
        WORKER: {"address": lab_host(WORKER).address},
    }
    site["repositories"]["kubernetes"]["url"] = former.URL
    site["kubernetes"]["version"] = former.VERSION
    made = Stack("dev", tmp_path_factory.mktemp("upgrade"))
    made.create(site)
    made.up().ok()
    made.folder.joinpath("work.json").write_text(json.dumps(DEPLOYMENT))
    on(
        PLANE,
        ["sh", "-c", f"echo '{json.dumps(DEPLOYMENT)}' | kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -"],
    )
    until(working, what="the deployment works")
    return made


def working() -> bool:
    return bool(kubectl("get", "deployment", "work")["status"].get("availableReplicas"))


def to(version: str, url: str) -> Any:
    def change(site: dict[str, Any]) -> None:
        site["kubernetes"]["version"] = version
        site["repositories"]["kubernetes"]["url"] = url

    return change


@pytest.mark.row("K9", "X20")
def test_the_plan_names_each_node_and_a_jump_is_refused(stack: Stack) -> None:
    assert nodes() == {name: (f"v{former.VERSION}", False, {}) for name in (PLANE, WORKER)}
    stack.up("--expect-no-changes").ok()
    stack.edit(to("1.35.4", former.URL))
    stack.edit(lambda site: site.update(allowUntested=True))
    refused = stack.preview()
    assert refused.status != 0
    assert "Kubernetes goes up by one at a time. Write the newest 1.34 first" in " ".join(refused.text.split())
    stack.edit(lambda site: site.pop("allowUntested"))
    stack.edit(to(KUBERNETES.version, "http://10.213.77.1:8080/apt"))
    plan = json.loads(stack.sitectl("upgrade", "plan", "-o", "json").ok().out)
    assert [(node["node"], node["from"], node["to"], node["runs"]) for node in plan["nodes"]] == [
        (name, former.VERSION, KUBERNETES.version, former.VERSION) for name in (PLANE, WORKER)
    ]
    assert (
        f"2. {WORKER}, worker: {former.VERSION} → {KUBERNETES.version}, its pods move away first"
        in stack.preview().ok().text
    )


@pytest.mark.row("K9")
def test_killed_while_the_control_plane_is_upgraded_it_is_resumed(stack: Stack) -> None:
    process = stack.start(*stack.command("up", "--yes", "--skip-preview"))
    begun = "[ -e /etc/kubernetes/gpu-metal/upgrading-cluster ] && echo yes || true"
    until(lambda: "yes" in on(PLANE, ["sh", "-c", begun]) or process.poll() is not None, what="kubeadm", limit=1500)
    log: Path = stack.folder / "killed.log"
    assert process.poll() is None, log.read_text()[-6000:]
    kill_session(process)
    assert former.VERSION in on(WORKER, ["kubelet", "--version"])
    stack.sitectl("recover").ok()
    stack.up().ok()
    assert nodes() == {name: (f"v{KUBERNETES.version}", False, {}) for name in (PLANE, WORKER)}
    until(working, what="the deployment works again")


@pytest.mark.row("K9", "K1")
def test_afterwards_there_is_nothing_to_do_and_the_packages_are_held(stack: Stack) -> None:
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()
    for name in (PLANE, WORKER):
        assert {"kubeadm", "kubectl", "kubelet"} <= {*on(name, ["apt-mark", "showhold"]).split()}
    images = {
        container["image"].rpartition(":")[2]
        for pod in kubectl("-n", "kube-system", "get", "pods")["items"]
        for container in pod["spec"]["containers"]
        if container["name"].startswith("kube-")
    }
    assert images == {f"v{KUBERNETES.version}"}
    assert "nothing to upgrade" in stack.sitectl("upgrade", "plan").ok().text
