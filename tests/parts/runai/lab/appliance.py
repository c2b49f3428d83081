"""Run:ai on the lab's site, and what its API says."""

import json
import re
import shutil
from typing import Any

from components.parts.gpu_operator import versions as gpu_versions
from components.platforms.runai.api import CLUSTERS, PROJECTS, RULES, RunaiApi
from components.platforms.runai.places import BACKEND
from components.rest.access import Access
from lab.depot.parts import FOLDER
from lab.parts.storage.depot import CHARTS as STORAGE_CHARTS
from lab.tools.catalogue import LOCAL_PATH
from tests.lab.cluster import kubectl
from tests.lab.stack import Ran, Stack, on, until
from tests.parts.gpu_operator.lab import gpu_pods
from tests.parts.ingress.lab import front
from tests.parts.runai.authority import Authority

ADMIN, PASSWORD = "admin@lab.example.org", "Lab-of-Run-ai-1"
KUBECTL = front.KUBECTL
DRAIN = {"key": "runai", "value": "drain", "effect": "NoExecute"}
OLD_INGRESS = {"name": "runai-backend-nginx-ingress-controller", "namespace": BACKEND}
OPERATOR = "v26.3.0"
"""The newest GPU Operator that Run:ai 2.25 supports; Run:ai 3.0 supports it, too."""
KINDS = {"prometheuses": "Prometheus", "servicemonitors": "ServiceMonitor"}
"""Of Prometheus' operator: by these Run:ai, and GPU Operator, know that others run it there."""
ENTRY: dict[str, Any] = {
    "kind": "runai",
    "version": "2.25.0",
    "keySecret": "ingressKey",
    "admin": {"email": ADMIN, "passwordSecret": "runaiAdmin"},
    "controlPlane": {"repository": front.CHARTS},
    "cluster": {"repository": front.CHARTS},
    "nodes": {"system": ["cpu-1"], "gpuWorker": ["gpu-1"], "least": {"cpus": 1, "memoryGb": 1, "diskGb": 1}},
    "departments": {"research": {"gpus": 4}},
    "projects": {"vision": {"department": "research"}},
}


def add(stack: Stack) -> None:
    """Run:ai and what it needs, with a certificate of an authority of the site's own."""
    authority = Authority(days=30)
    signed = authority.sign(front.DOMAIN, f"*.{front.DOMAIN}")
    (stack.folder / "authority.pem").write_text(authority.text)
    front.network(stack)
    (stack.folder / "site.pem").write_text(signed.text)
    stack.tell("ingressKey", signed.key)
    stack.tell("runaiAdmin", PASSWORD)
    files = {"certificate": str(stack.folder / "site.pem"), "authority": str(stack.folder / "authority.pem")}
    classes = {"local": {"kind": "local-path", "default": True}}
    chart = {"chart": "local-path-provisioner", "repository": STORAGE_CHARTS, "version": LOCAL_PATH.version}

    def change(site: dict[str, Any]) -> None:
        site["engine"]["mirrors"]["nvcr.io"] = [front.REGISTRY]
        people = {name: {"email": f"{name}@lab.example.org"} for name in ("ana", "ben")}
        site.update(users=people, projects={"vision": {"gpus": 4, "members": ["ana", "ben"]}})
        site.update(gpuOperator=gpu_operator(stack), monitoring={"kind": "existing"}, allowUntested=True)
        site["storage"] = {"images": "registry.k8s.io", "classes": classes, "charts": {"localPath": chart}}
        site["platforms"] = [{**ENTRY, **files}]

    stack.edit(change)


def gpu_operator(stack: Stack) -> dict[str, Any]:
    """The part's lines, with the lab's chart as one of an earlier release."""
    chart = stack.folder / "gpu-operator"
    shutil.copytree(FOLDER / "gpu_operator" / "charts" / "gpu-operator", chart, dirs_exist_ok=True)
    text = (chart / "Chart.yaml").read_text()
    (chart / "Chart.yaml").write_text(text.replace(f"\nversion: {gpu_versions.VERSION}", f"\nversion: {OPERATOR}"))
    lines = {key: value for key, value in gpu_pods.of_site().items() if key != "repository"}
    return {**lines, "chart": str(chart), "version": OPERATOR}


def around() -> None:
    """What the site's people have around it: Prometheus, and a name server that knows the domain."""
    apply({"apiVersion": "v1", "kind": "List", "items": [_crd(*each) for each in KINDS.items()]})
    found = json.loads(on("cp-1", [*KUBECTL, "-n", "kube-system", "get", "configmap", "coredns", "-o", "json"]))
    text, block = found["data"]["Corefile"], f"hosts {{\n {front.ADDRESS} {front.DOMAIN}\n fallthrough\n }}\n"
    if block not in text:
        found["data"]["Corefile"] = text.replace("forward .", f"{block}forward .", 1)
        found["metadata"] = {"name": "coredns", "namespace": "kube-system"}
        apply(found)
        on("cp-1", [*KUBECTL, "-n", "kube-system", "rollout", "restart", "deployment/coredns"])


def _crd(plural: str, kind: str) -> dict[str, Any]:
    group = "monitoring.coreos.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def apply(body: dict[str, Any]) -> None:
    """By kubectl, as an administrator."""
    on("cp-1", ["bash", "-c", f"cat <<'END' | {' '.join(KUBECTL)} apply -f -\n{json.dumps(body)}\nEND\n"])


def api(stack: Stack) -> RunaiApi:
    """The control plane's, from this machine."""
    ca = (stack.folder / "authority.pem").read_text()
    url, server = f"https://{front.DOMAIN}", f"{front.ADDRESS}:443"
    return RunaiApi.of(Access(url, username=ADMIN, password=PASSWORD, server=server, ca=ca))


def project(stack: Stack, name: str = "vision") -> dict[str, Any]:
    """A project, as the API has it."""
    [found] = [each for each in api(stack).all(PROJECTS) if each["name"] == name]
    return dict(found)


def deserved(stack: Stack) -> float:
    """How many GPUs the project deserves."""
    return float(sum(each["gpu"]["deserved"] for each in project(stack)["resources"]))


def change_quota(stack: Stack, gpus: int) -> None:
    """By hand, as in the user interface."""
    found = project(stack)
    resources = [{**each, "gpu": {**each["gpu"], "deserved": gpus}} for each in found["resources"]]
    api(stack).session.call("PUT", f"{PROJECTS}/{found['id']}/resources", body=resources)


def clusters(stack: Stack) -> list[tuple[str, str]]:
    """State and version of the clusters that the control plane knows."""
    return [(each["status"]["state"], each["version"]) for each in api(stack).all(CLUSTERS)]


def connected(stack: Stack, version: str) -> None:
    """Waits until the one cluster says so, in this version: its agent reports every second."""
    until(lambda: clusters(stack) == [("Connected", version)], what="the cluster connects", limit=60, pause=1)


def subjects(stack: Stack) -> set[str]:
    """Who has a role, by email; not the first administrator."""
    return {each["subjectId"] for each in api(stack).all(RULES)} - {ADMIN}


def roles(host: str) -> set[str]:
    """Of the node, in Run:ai."""
    labels = kubectl("get", "node", host)["metadata"]["labels"]
    prefix = "node-role.kubernetes.io/runai-"
    return {key.removeprefix(prefix) for key, value in labels.items() if key.startswith(prefix) and value == "true"}


def taints(host: str) -> list[dict[str, str]]:
    """Of the node."""
    return list(kubectl("get", "node", host)["spec"].get("taints", []))


def nodes_of(*namespaces: str) -> set[str]:
    """Where the pods of these namespaces are."""
    return {pod["spec"]["nodeName"] for name in namespaces for pod in kubectl("get", "pods", "-n", name)["items"]}


def changed(ran: Ran) -> set[str]:
    """Names of the resources that a run created, updated, replaced or deleted."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).split() for line in ran.out.splitlines()]
    verbs = {"created", "updated", "replaced", "deleted"}
    return {line[index - 1] for line in lines for index, word in enumerate(line) if word in verbs and index > 1}


def leave_the_old_ingress() -> None:
    """The ingress controller that releases of 2.x had in the control plane's namespace; without pods."""
    labels, image = {"app": "nginx"}, {"name": "nginx", "image": "registry.k8s.io/busybox:1.36"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [image]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": OLD_INGRESS, "spec": spec})


def old_ingress() -> bool:
    """Whether it is still there."""
    names = [each["metadata"]["name"] for each in kubectl("get", "deployments", "-n", BACKEND)["items"]]
    return OLD_INGRESS["name"] in names


def saved(version: str) -> str:
    """How the database's file begins, that was saved before an upgrade from that version."""
    return on("cp-1", ["bash", "-c", f"cat /var/lib/gpu-metal-runai/backend-{version}-*.dump | head -c 5"])
