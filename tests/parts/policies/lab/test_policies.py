"""Projects kept apart on the network of real nodes: without the agent all reach each other, with it their own only.

Does not prove: flannel (its programs cannot be had here), kube-router's newer versions, policies of egress.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.depot import kube_router
from lab.hosts import lab as hosts
from lab.hosts.inventory import host as lab_host
from tests.lab.stack import ROOT, Stack, on, until

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts("new-1", "new-2"), pytest.mark.row("K4")]

PLANE, WORKER = "new-1", "new-2"
NODES = (PLANE, WORKER)
IMAGE = "registry.k8s.io/busybox:1.36"
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "--request-timeout=20s"]
CLIENTS = {f"{project}/from-{node}" for project in ("vision", "speech") for node in NODES}


def kubectl(*words: str) -> str:
    return on(PLANE, [*KUBECTL, *words], limit=180)


def pod(namespace: str, name: str, node: str, *command: str, serves: bool = False) -> dict[str, Any]:
    """A pod on that node; of one that serves, the kubelet asks whether it is ready."""
    container: dict[str, Any] = {"name": "c", "image": IMAGE, "command": [*command]}
    if serves:
        container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 2}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        },
    }


@pytest.fixture(scope="module")
def stack(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:  # noqa: ARG001 - the lab runs
    """Two nodes, two projects: a server of vision, and a client of each project on each node."""
    kube_router.publish()
    for name in NODES:
        hosts.reset(lab_host(name))
    site = YAML().load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"]
    del site["groups"]
    site["hosts"] = {
        PLANE: {"address": lab_host(PLANE).address, "roles": ["control-plane", "worker"]},
        WORKER: {"address": lab_host(WORKER).address},
    }
    site["projects"] = {name: {"members": ["ana"]} for name in ("vision", "speech")}
    made = Stack("policies", tmp_path_factory.mktemp("policies"))
    made.create(site)
    made.up().ok()
    pods = [pod("vision", "web", WORKER, "httpd", "-f", "-p", "8080", "-h", "/bin", serves=True)]
    service = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    web = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "vision"}, "spec": service}
    for client in sorted(CLIENTS):
        project, _, name = client.partition("/")
        pods.append(pod(project, name, name.removeprefix("from-"), "sleep", "99999"))
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*pods, web]})
    on(PLANE, ["sh", "-c", f"echo '{objects}' | {' '.join(KUBECTL)} apply -f -"])
    for namespace in ("vision", "speech"):
        kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
    yield made
    for name in NODES:
        hosts.stop(lab_host(name), grace=0)


def reach(what: str) -> set[str]:
    """The clients that get an answer from the server, by its pod's own address or by its service's."""
    path = ("pod", "web", "{.status.podIP} 8080") if what == "pod" else ("service", "web", "{.spec.clusterIP} 80")
    place = kubectl("-n", "vision", "get", *path[:2], "-o", f"jsonpath={path[2]}").strip()
    found = set()
    for client in CLIENTS:
        project, _, name = client.partition("/")
        try:
            ask = rf"printf 'GET /missing HTTP/1.0\r\n\r\n' | nc -w 3 {place} | grep -q 404"
            kubectl("-n", project, "exec", name, "--", "sh", "-c", ask)
        except Exception:  # noqa: S112 - whatever the reason is, there was no answer
            continue
        found.add(client)
    return found


def rules(node: str) -> str:
    return on(node, ["iptables-save"])


OWN = {client for client in CLIENTS if client.startswith("vision/")}


def test_without_an_agent_each_project_reaches_the_other_and_validate_says_so(stack: Stack) -> None:
    assert (reach("pod"), reach("service")) == (CLIENTS, CLIENTS)
    assert "nothing enforces it" in stack.sitectl("validate").ok().text


def test_with_it_a_project_reaches_its_own_pods_only(stack: Stack) -> None:
    stack.edit(lambda site: site["network"].update(policies={"image": kube_router.IMAGE}))
    stack.up().ok()
    until(lambda: reach("pod") == OWN, what="the other project is cut off", limit=120)
    assert reach("service") == OWN
    ready = kubectl(
        "-n", "vision", "get", "pod", "web", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    )
    assert ready == "True", "the kubelet still reaches it"
    stack.works()
    assert "policies/kube-router" in stack.sitectl("verify", "-o", "json").ok().out
    assert "nothing enforces it" not in stack.sitectl("validate").ok().text
    stack.up("--expect-no-changes").ok()
    stack.sitectl("drift").ok()


def test_when_it_goes_its_rules_go(stack: Stack) -> None:
    assert "KUBE-ROUTER-" in rules(WORKER)
    stack.edit(lambda site: site["network"].pop("policies"))
    stack.up().ok()
    for node in NODES:
        left = rules(node)
        assert "KUBE-ROUTER-" not in left
        assert "KUBE-POD-FW-" not in left
        assert "KUBE-SERVICES" in left, "kube-proxy's stay"
    assert reach("pod") == CLIENTS
    stack.up("--expect-no-changes").ok()
