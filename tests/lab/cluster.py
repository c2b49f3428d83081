"""The cluster of the lab's site, as root on cp-1 sees it."""

import json
from typing import Any

from tests.lab.stack import HOSTS, Stack, on


def kubectl(*words: str, plane: str = "cp-1") -> Any:
    """What the API server says, as JSON; `plane` is a control plane of the cluster."""
    return json.loads(on(plane, ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", *words, "-o", "json"]))


def ready_nodes() -> set[str]:
    """Names of the nodes that are Ready."""
    return {
        node["metadata"]["name"]
        for node in kubectl("get", "nodes")["items"]
        if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
    }


def running_since() -> dict[str, Any]:
    """When services were started, and how often each pod's containers were."""
    units = ["containerd", "kubelet", "chrony", "ssh"]
    times = {h: on(h, ["systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", *units]) for h in HOSTS}
    pods = kubectl("get", "pods", "--all-namespaces")["items"]
    return times | {
        pod["metadata"]["uid"]: [one["restartCount"] for one in pod["status"]["containerStatuses"]] for pod in pods
    }


def identity() -> tuple[str, dict[str, str]]:
    """The cluster's CA, and the UIDs of its nodes and namespaces."""
    found = [*kubectl("get", "nodes")["items"], *kubectl("get", "namespaces")["items"]]
    uids = {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}
    return on("cp-1", ["sha256sum", "/etc/kubernetes/pki/ca.crt"]), uids


def kubeconfig(stack: Stack) -> str:
    """As that state has it."""
    return stack.run("pulumi", "stack", "output", "kubeconfig", "--show-secrets", "--stack", stack.name).ok().out


def taints(node: Any) -> list[Any]:
    """Those of a node that somebody set; the cluster's own, such as not-ready, come and go."""
    return [each for each in node["spec"].get("taints", []) if not each["key"].startswith("node.kubernetes.io/")]
