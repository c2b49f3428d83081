"""The scheduler `runai-scheduler`: binds pods of projects to nodes within what each project has of each node pool.

A pod that is preemptible may go over what its project deserves, up to its limit, and gives way to one that does not.
It does not have: gangs, fairness by weight, memory of GPUs, topology, and the GPU's isolation itself.
"""

import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.kube import Body, Kube, KubeError
from lab.parts.runai.standin.pods import GPU, Node, Wish, wish

NAME = "runai-scheduler"
_WAITING = f"/api/v1/pods?fieldSelector=spec.schedulerName%3D{NAME}%2Cspec.nodeName%3D"
_OVER = ("Succeeded", "Failed")


@dataclass
class Sight:
    """The cluster at one moment."""

    nodes: list[Node]
    pods: list[Body]
    projects: dict[str, Body]
    """By namespace."""
    restrict: bool
    """Only nodes with the label of their role."""
    used: dict[tuple[str, str], float] = field(default_factory=dict)
    """GPUs of a project in a pool."""

    def pool(self, project: Body, node: Node) -> Body:
        """The project's share in the pool that a node belongs to: the first whose label it has, else the default."""
        shares: list[Body] = project["spec"]["pools"]
        for share in shares:
            pool = share["nodePool"]
            if not pool["isDefault"] and node.labels.get(pool["labelKey"]) == pool["labelValue"]:
                return share
        return next(share for share in shares if share["nodePool"]["isDefault"])


def seen(kube: Kube) -> Sight:
    """Looks at the cluster. Raises KubeError."""
    config = (kube.get("/apis/run.ai/v1/namespaces/runai/runaiconfigs/runai") or {}).get("spec", {})
    restrict = config.get("global", {}).get("nodeAffinity", {}).get("restrictScheduling", False)
    nodes = [Node(body) for body in kube.items("/api/v1/nodes")]
    projects = {each["spec"]["namespace"]: each for each in kube.items("/apis/run.ai/v1/projects")}
    pods = [pod for pod in kube.items("/api/v1/pods") if pod["status"].get("phase") not in _OVER]
    sight = Sight(nodes, pods, projects, restrict)
    named = {node.name: node for node in nodes}
    for pod in pods:
        if node := named.get(pod["spec"].get("nodeName", "")):
            count(sight, pod, node)
    return sight


def count(sight: Sight, pod: Body, node: Node) -> None:
    """Counts a pod that has its node."""
    try:
        wanted = wish(pod)
    except ValueError:
        return  # another scheduler's
    node.take(wanted)
    project = sight.projects.get(pod["metadata"]["namespace"])
    if project and pod["spec"].get("schedulerName") == NAME:
        key = project["metadata"]["name"], sight.pool(project, node)["nodePool"]["name"]
        sight.used[key] = sight.used.get(key, 0) + wanted.gpus


def refused(sight: Sight, project: Body, node: Node, wanted: Wish) -> str:
    """Why a project may not have this much more of a node's pool, empty if it may."""
    share = sight.pool(project, node)
    pool, gpu = share["nodePool"]["name"], share["gpu"]
    name = project["metadata"]["name"]
    after = sight.used.get((name, pool), 0) + wanted.gpus
    said = f"project {name} would have {after:g} GPUs of node pool {pool}"
    if not wanted.gpus:
        return ""
    if gpu["limit"] is not None and after > gpu["limit"]:
        return f"OverLimit: {said}, its limit is {gpu['limit']:g}"
    if not wanted.preemptible and after > (gpu["deserved"] or 0):
        return f"NonPreemptibleOverQuota: {said}, it deserves {gpu['deserved'] or 0:g} and the pod is not preemptible"
    return ""


def role_fits(sight: Sight, node: Node, wanted: Wish) -> bool:
    """Whether a node's role lets it run the pod: with restrictScheduling, only nodes with the role's label do."""
    if not sight.restrict:
        return True
    role = "runai-gpu-worker" if wanted.gpus else "runai-cpu-worker"
    return node.labels.get(f"node-role.kubernetes.io/{role}") == "true"


def choose(sight: Sight, pod: Body) -> tuple[Node | None, str]:
    """The node for a pod, or why there is none."""
    namespace = pod["metadata"]["namespace"]
    project = sight.projects.get(namespace)
    if project is None:
        return None, f"namespace {namespace} is no project's"
    try:
        wanted = wish(pod)
    except ValueError as error:
        return None, str(error)
    reasons: dict[str, int] = {}
    for node in sorted(sight.nodes, key=lambda one: (-one.whole - sum(one.shared), one.name)):
        if not node.admits(pod) or not role_fits(sight, node, wanted):
            reason = "the node's role, taints or labels do not admit the pod"
        else:
            short = node.lacks(wanted)
            reason = refused(sight, project, node, wanted) or (f"insufficient {short}" if short else "")
        if not reason:
            return node, ""
        reasons[reason] = reasons.get(reason, 0) + 1
    listed = "; ".join(f"{number} node(s): {reason}" for reason, number in sorted(reasons.items()))
    return None, listed or "there is no node"


def victim(sight: Sight, pod: Body) -> Body | None:
    """A preemptible pod of a project that has more than it deserves, in the way of one that does not."""
    project = sight.projects.get(pod["metadata"]["namespace"])
    if project is None:
        return None
    wanted = wish(pod)
    newest = sorted(sight.pods, key=lambda one: one["metadata"]["creationTimestamp"], reverse=True)
    for node in sight.nodes:
        share, name = sight.pool(project, node), project["metadata"]["name"]
        pool = share["nodePool"]["name"]
        within = sight.used.get((name, pool), 0) + wanted.gpus <= (share["gpu"]["deserved"] or 0)
        if not (within and node.admits(pod) and role_fits(sight, node, wanted) and node.lacks(wanted) == GPU):
            continue
        for other in newest:
            if other["spec"].get("nodeName") == node.name and _over(sight, other, pool, name):
                return other
    return None


def _over(sight: Sight, pod: Body, pool: str, besides: str) -> bool:
    owner = sight.projects.get(pod["metadata"]["namespace"])
    if owner is None or owner["metadata"]["name"] == besides or pod["spec"].get("schedulerName") != NAME:
        return False
    share = next((s for s in owner["spec"]["pools"] if s["nodePool"]["name"] == pool), None)
    wanted = wish(pod)
    used = sight.used.get((owner["metadata"]["name"], pool), 0)
    return bool(share and wanted.gpus and wanted.preemptible and used > (share["gpu"]["deserved"] or 0))


def once(kube: Kube, said: dict[str, str]) -> None:
    """Binds the pods that wait and fit; says of the others why not, once for each reason. Raises KubeError."""
    waiting = [pod for pod in kube.items(_WAITING) if pod["status"].get("phase") not in _OVER]
    if not waiting:
        return
    sight = seen(kube)
    for pod in sorted(waiting, key=lambda one: one["metadata"]["creationTimestamp"]):
        if pod["metadata"].get("deletionTimestamp") or pod["spec"].get("schedulingGates"):
            continue
        node, reason = choose(sight, pod)
        if node:
            bind(kube, pod, node)
            count(sight, pod, node)
            continue
        if said.get(pod["metadata"]["uid"]) != reason:
            said[pod["metadata"]["uid"]] = reason
            tell(kube, pod, reason)
        if GPU in reason and (other := victim(sight, pod)):
            tell(kube, other, f"preempted for {pod['metadata']['namespace']}/{pod['metadata']['name']}", "Preempted")
            kube.remove(f"/api/v1/namespaces/{other['metadata']['namespace']}/pods/{other['metadata']['name']}")


def bind(kube: Kube, pod: Body, node: Node) -> None:
    """Gives a pod its node. Raises KubeError."""
    meta = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
    target = {"apiVersion": "v1", "kind": "Node", "name": node.name}
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": meta, "target": target}
    kube.ask("POST", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/binding", body)


def tell(kube: Kube, pod: Body, message: str, reason: str = "Unschedulable") -> None:
    """An event of a pod, and its condition. Raises KubeError."""
    name, namespace, now = pod["metadata"]["name"], pod["metadata"]["namespace"], datetime.now(UTC)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"apiVersion": "v1", "kind": "Pod", "name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]}
    meta = {"name": f"{name}.{uuid.uuid4().hex[:12]}", "namespace": namespace}
    event: Body = {"apiVersion": "v1", "kind": "Event", "metadata": meta, "involvedObject": about, "reason": reason}
    event |= {"message": message, "type": "Warning", "source": {"component": NAME}, "count": 1}
    event |= {"firstTimestamp": stamp, "lastTimestamp": stamp}
    kube.ask("POST", f"/api/v1/namespaces/{namespace}/events", event)
    if reason == "Unschedulable":
        condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        others = [one for one in pod["status"].get("conditions", []) if one["type"] != "PodScheduled"]
        kube.ask(
            "PATCH",
            f"/api/v1/namespaces/{namespace}/pods/{name}/status",
            {"status": {"conditions": [*others, {**condition, "lastTransitionTime": stamp}]}},
        )


def main() -> None:
    """Works until it is ended."""
    kube, said = Kube.inside(), dict[str, str]()
    while True:
        try:
            once(kube, said)
        except KubeError as error:
            sys.stderr.write(f"{error}\n")
        time.sleep(1)


if __name__ == "__main__":
    main()
