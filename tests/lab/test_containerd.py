"""containerd 1.x to 2 on a running cluster, by one edit of its site: each node in turn, its pods and GPUs afterwards.

The package is built from containerd's module, named as Debian's. Does not prove: a vendor's own packages, a package of
another name in its place, several control planes.
"""

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.depot import containerd
from lab.hosts import lab as hosts
from lab.hosts.inventory import host as lab_host
from lab.paths import SIGNING_KEY
from tests.lab.stack import ROOT, Stack, on, until
from tests.lab.test_upgrade import DEPLOYMENT

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("new-1", "new-2"), pytest.mark.row("C1", "K16")]

PLANE, WORKER = "new-1", "new-2"
NODES = (PLANE, WORKER)
DUMP = ["containerd", "config", "dump"]


def kubectl(*words: str) -> Any:
    admin = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
    return json.loads(on(PLANE, [*admin, *words, "-o", "json"], limit=180))


def engines() -> dict[str, tuple[str, bool, bool]]:
    """By node: its engine, whether it takes no new work, whether it has the mark of a turn."""
    return {
        node["metadata"]["name"]: (
            node["status"]["nodeInfo"]["containerRuntimeVersion"].removeprefix("containerd://"),
            node["spec"].get("unschedulable", False),
            "gpu-metal/upgrade" in node["metadata"]["annotations"],
        )
        for node in kubectl("get", "nodes")["items"]
    }


def started() -> dict[str, str]:
    """When the containers of the pods that an API server does not know how to move began, by pod."""
    pods = kubectl("-n", "kube-system", "get", "pods")["items"]
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        for pod in pods
        if pod["metadata"]["name"].startswith(("etcd-", "kube-"))
    }


def working() -> bool:
    return bool(kubectl("get", "deployment", "work")["status"].get("availableReplicas"))


@pytest.fixture(scope="module")
def stack(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Stack:  # noqa: ARG001 - the lab runs
    """The lab's site on two hosts, one with GPUs, with Debian's containerd, at work."""
    containerd.publish()
    for name in NODES:
        hosts.reset(lab_host(name))
    site = YAML().load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    for key in ("groups", "users", "projects"):
        del site[key]
    toolkit = {"model": "A100-SXM4-80GB", "count": lab_host(WORKER).gpus, "toolkit": {"mode": "cdi"}}
    site["hosts"] = {
        PLANE: {"address": lab_host(PLANE).address, "roles": ["control-plane"]},
        WORKER: {"address": lab_host(WORKER).address, "gpu": toolkit},
    }
    site["repositories"]["nvidia-toolkit"] = None
    made = Stack("dev", tmp_path_factory.mktemp("containerd"))
    made.create(site)
    made.up().ok()
    apply = f"echo '{json.dumps(DEPLOYMENT)}' | kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -"
    on(PLANE, ["sh", "-c", apply])
    until(working, what="the deployment works")
    return made


def newer(site: dict[str, Any]) -> None:
    site["repositories"]["containerd"] = {"url": containerd.URL, "keyFile": str(SIGNING_KEY)}
    site["engine"]["version"] = containerd.VERSION


def test_the_plan_names_each_node_in_order(stack: Stack) -> None:
    assert {name: version[0][:2] for name, version in engines().items()} == dict.fromkeys(NODES, "1.")
    stack.edit(newer)
    plan = json.loads(stack.sitectl("upgrade", "plan", "-o", "json").ok().out)
    assert [(node["order"], node["node"], node["from"], node["to"]) for node in plan["nodes"]] == [
        (number, name, "containerd", f"containerd={containerd.VERSION}") for number, name in enumerate(NODES, 1)
    ]
    assert [node["runs"] for node in plan["nodes"]] == [f"containerd://{engines()[name][0]}" for name in NODES]
    assert "The container engine changes, in this order:" in stack.preview().ok().text


def test_each_node_changes_in_its_turn_and_its_pods_run_afterwards(stack: Stack) -> None:
    before = started()
    said = stack.up().ok().text
    wanted = containerd.VERSION.partition("-")[0]
    assert engines() == dict.fromkeys(NODES, (wanted, False, False))
    for name in NODES:
        assert f"{name} [upgrade] to containerd={containerd.VERSION}: takes no new work" in said
    until(working, what="the deployment works again")
    assert started() == before, "static pods and DaemonSets run on through it"
    stack.works()


def test_its_settings_are_in_force_and_gpus_are_given_by_cdi(stack: Stack) -> None:
    for name in NODES:
        settings = on(name, DUMP)
        assert "version = 3" in settings or "version = 4" in settings
        assert "/etc/containerd/certs.d" in settings
        assert "containerd" in on(name, ["apt-mark", "showhold"]).split()
    settings = on(WORKER, DUMP)
    assert "/var/run/cdi" in settings, "2.4 has no key to turn it on or off"
    assert "nvidia-container-runtime" in settings
    assert "nvidia.com/gpu=0" in on(WORKER, ["nvidia-ctk", "cdi", "list"])
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()


def test_a_way_back_is_refused_before_anything_changes(stack: Stack) -> None:
    stack.edit(lambda site: site["engine"].update(version="1.6.20~ds1-1+deb12u1"))
    refused = stack.preview()
    assert refused.status != 0
    assert "is of an older major version than containerd=" in " ".join(refused.text.split())
    plan = stack.sitectl("upgrade", "plan")
    assert (plan.status, "✗ engine.version: " in plan.text) == (1, True)
    stack.edit(newer)
    stack.up("--expect-no-changes").ok()
