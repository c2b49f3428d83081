"""Run:ai on the lab's site, and what its API says."""

import json
from typing import Any

from components.platforms.runai.api import CLUSTERS, PROJECTS, RULES, RunaiApi
from components.rest.access import Access
from lab.parts.storage.depot import CHARTS as STORAGE_CHARTS
from lab.tools.catalogue import LOCAL_PATH
from tests.lab.stack import Stack, on, until
from tests.parts.gpu_operator.lab import gpu_pods
from tests.parts.ingress.lab import front
from tests.parts.runai.authority import Authority

ADMIN, PASSWORD = "admin@lab.example.org", "Lab-of-Run-ai-1"
KUBECTL = front.KUBECTL
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "prometheuses.monitoring.coreos.com",
        "annotations": {"api-approved.kubernetes.io": "https://github.com/prometheus-operator/prometheus-operator"},
    },
    "spec": {
        "group": "monitoring.coreos.com",
        "names": {"kind": "Prometheus", "plural": "prometheuses"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}
"""By this Run:ai knows that others run Prometheus there."""
ENTRY: dict[str, Any] = {
    "kind": "runai",
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
        site.update(gpuOperator=gpu_pods.of_site(), monitoring={"kind": "existing"})
        site["storage"] = {"images": "registry.k8s.io", "classes": classes, "charts": {"localPath": chart}}
        site["platforms"] = [{**ENTRY, **files}]

    stack.edit(change)


def around() -> None:
    """What the site's people have around it: Prometheus, and a name server that knows the domain."""
    apply(CRD)
    found = json.loads(on("cp-1", [*KUBECTL, "-n", "kube-system", "get", "configmap", "coredns", "-o", "json"]))
    text, block = found["data"]["Corefile"], f"hosts {{\n {front.ADDRESS} {front.DOMAIN}\n fallthrough\n }}\n"
    if block not in text:
        found["data"]["Corefile"] = text.replace("forward .", f"{block}forward .", 1)
        found["metadata"] = {"name": "coredns", "namespace": "kube-system"}
        apply(found)
        on("cp-1", [*KUBECTL, "-n", "kube-system", "rollout", "restart", "deployment/coredns"])


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


def states(stack: Stack) -> list[str]:
    """Of the clusters that the control plane knows."""
    return [each["status"]["state"] for each in api(stack).all(CLUSTERS)]


def subjects(stack: Stack) -> set[str]:
    """Who has a role, by email; not the first administrator."""
    return {each["subjectId"] for each in api(stack).all(RULES)} - {ADMIN}


def role(host: str, name: str) -> bool:
    """Whether the node has the role."""
    path = "-o=jsonpath={.metadata.labels}"
    return f'"node-role.kubernetes.io/runai-{name}":"true"' in on("cp-1", [*KUBECTL, "get", "node", host, path])


def connected(stack: Stack) -> None:
    """Waits until the control plane says so."""
    until(lambda: states(stack) == ["Connected"], what="the cluster connects", limit=120, pause=1)
