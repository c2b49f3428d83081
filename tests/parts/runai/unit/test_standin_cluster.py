"""The stand-in's agent and scheduler on a real API server: what they make of projects, rules and pods."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.kube import Kube
from lab.parts.runai import depot
from lab.parts.runai.standin import scheduler
from lab.parts.runai.standin.agent import Agent
from tests.parts.runai.standin import Backend, backend
from tests.plugins.api_server import TOKEN
from tests.plugins.control_plane import ControlPlane, control_plane

UNITS, RULES = "/api/v1/org-unit", "/api/v1/authorization/access-rules"


@pytest.fixture(scope="module")
def runai(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with backend(tmp_path_factory.mktemp("runai")) as running:
        yield running


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        crds = next(folder for folder in depot.charts() if folder.name == "runai-cluster") / "crds/runai.yaml"
        assert "created" in running.kubectl("apply", "-f", str(crds))
        running.kubectl("wait", "--for=condition=Established", "crd/projects.run.ai", "crd/runaiconfigs.run.ai")
        running.kubectl("create", "namespace", "runai")
        for name in ("runai-project-researcher", "runai-project-viewer"):
            running.kubectl("create", "clusterrole", name, "--verb=get", "--resource=pods")
        yield running


@pytest.fixture(scope="module")
def kube(plane: ControlPlane) -> Kube:
    config = json.loads(plane.admin_conf.read_text())["clusters"][0]["cluster"]
    return Kube(config["server"], config["certificate-authority"], TOKEN)


@pytest.fixture(scope="module")
def agent(runai: Backend, kube: Kube) -> Agent:
    uid = runai.do("POST", "/api/v1/clusters", {"name": "lab", "domain": "runai.lab"})["uuid"]
    token = runai.do("GET", f"/api/v1/clusters/{uid}/cluster-install-info?version=3.0.0")["bootstrapToken"]
    return Agent(kube, runai.url, uid, "3.0.0", bootstrap_token=token)


def node(plane: ControlPlane, name: str, gpus: int, **labels: str) -> None:
    """A node that says it is ready."""
    room = {"cpu": "4", "memory": "8Gi", "pods": "20", "nvidia.com/gpu": str(gpus)}
    plane.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    status = {"capacity": room, "allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]}
    plane.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    plane.kubectl("taint", "node", name, "node.kubernetes.io/not-ready-")


def pod(plane: ControlPlane, namespace: str, name: str, gpus: int = 0, fraction: str = "", **labels: str) -> None:
    """One that waits for our scheduler."""
    notes = {"gpu-fraction": fraction} if fraction else {}
    limits = {"limits": {"nvidia.com/gpu": str(gpus)}} if gpus else {}
    container = {"name": "c", "image": "i", "resources": limits}
    meta = {"name": name, "namespace": namespace, "annotations": notes, "labels": labels}
    spec = {"schedulerName": scheduler.NAME, "containers": [container], "automountServiceAccountToken": False}
    plane.kubectl("create", "serviceaccount", "default", "-n", namespace)
    plane.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


def placed(kube: Kube, namespace: str, name: str) -> str | None:
    found = kube.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
    assert found
    node: str | None = found["spec"].get("nodeName")
    return node


def reasons(kube: Kube, namespace: str, name: str) -> str:
    events = kube.items(f"/api/v1/namespaces/{namespace}/events")
    return " ".join(each["message"] for each in events if each["involvedObject"]["name"] == name)


def project(runai: Backend, agent: Agent, name: str, **given: Any) -> Any:
    pools = runai.do("GET", "/api/v1/node-pools")["nodepools"]
    gpu = {"deserved": given.pop("deserved", 0), "limit": given.pop("limit", None)}
    share = [{"nodePool": {"id": pools[0]["id"]}, "gpu": gpu}]
    body = {"name": name, "clusterId": agent.uid, "resources": share, **given}
    return runai.do("POST", f"{UNITS}/projects", body)


def test_the_agent_joins_and_says_what_is_missing(runai: Backend, agent: Agent, plane: ControlPlane) -> None:
    assert agent.once()
    state = runai.do("GET", f"/api/v1/clusters/{agent.uid}")["status"]
    assert [each["type"] for each in state["conditions"]] == ["Prometheus", "NVIDIA GPU Operator"]
    plane.kubectl("create", "namespace", "gpu-operator")
    crd = next(folder for folder in depot.charts() if folder.name == "runai-cluster") / "crds/runai.yaml"
    text = (
        crd.read_text().split("---")[1].replace("run.ai", "monitoring.coreos.com").replace("projects", "prometheuses")
    )
    text = text.replace("Project", "Prometheus").replace("singular: project", "singular: prometheus")
    assert "created" in plane.kubectl("apply", "-f", "-", stdin=text)
    assert agent.once()
    assert runai.do("GET", f"/api/v1/clusters/{agent.uid}")["status"] == {"state": "Connected"}


def test_a_project_has_its_namespace_and_its_people(runai: Backend, agent: Agent, kube: Kube) -> None:
    made = project(runai, agent, "people")
    runai.do("POST", "/api/v1/users", {"email": "ana@runai.lab"})
    roles = {role["name"]: role["id"] for role in runai.do("GET", "/api/v1/authorization/roles")}
    viewer = roles["Viewer"]
    rule = {"subjectId": "ana@runai.lab", "subjectType": "user", "roleId": viewer, "scopeId": made["id"]}
    rule = runai.do("POST", RULES, {**rule, "scopeType": "project"})
    agent.once()
    agent.once()  # tells what the first one made
    found = kube.get("/api/v1/namespaces/runai-people")
    assert found
    assert found["metadata"]["labels"]["runai/queue"] == "people"
    assert runai.do("GET", f"{UNITS}/projects/{made['id']}")["status"]["phase"] == "Ready"
    bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/runai-people/rolebindings"
    subjects = {each["subjects"][0]["name"]: each["roleRef"]["name"] for each in kube.items(bindings)}
    assert subjects["ana@runai.lab"] == "runai-project-viewer"
    runai.do("DELETE", f"{RULES}/{rule['id']}")
    agent.once()
    assert "ana@runai.lab" not in {each["subjects"][0]["name"] for each in kube.items(bindings)}
    runai.do("DELETE", f"{UNITS}/projects/{made['id']}")
    agent.once()
    agent.once()
    assert runai.refused("GET", f"{UNITS}/projects/{made['id']}")[0] == 404
    assert kube.items(bindings) == []
    assert kube.get("/api/v1/namespaces/runai-people")  # it stays


def test_without_create_namespaces_the_administrator_makes_it(
    runai: Backend, agent: Agent, kube: Kube, plane: ControlPlane
) -> None:
    spec = {"project-controller": {"createNamespaces": False}}
    meta = {"name": "runai", "namespace": "runai"}
    plane.apply({"apiVersion": "run.ai/v1", "kind": "RunaiConfig", "metadata": meta, "spec": spec})
    made = project(runai, agent, "own", requestedNamespace="own")
    agent.once()
    agent.once()
    assert kube.get("/api/v1/namespaces/own") is None
    assert runai.do("GET", f"{UNITS}/projects/{made['id']}")["status"]["phase"] == "NotReady"
    plane.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "own", "labels": {"runai/queue": "own"}}}
    )
    agent.once()
    agent.once()
    assert runai.do("GET", f"{UNITS}/projects/{made['id']}")["status"]["phase"] == "Ready"
    plane.kubectl("delete", "runaiconfig", "runai", "-n", "runai")


def test_pods_within_what_a_project_has(runai: Backend, agent: Agent, kube: Kube, plane: ControlPlane) -> None:
    node(plane, "gpu-1", 2)
    project(runai, agent, "quota", deserved=1, limit=1)
    agent.once()
    for name in ("first", "second"):
        pod(plane, "runai-quota", name, fraction="0.5")
    pod(plane, "runai-quota", "third", 1)
    said: dict[str, str] = {}
    scheduler.once(kube, said)
    assert {placed(kube, "runai-quota", name) for name in ("first", "second")} == {"gpu-1"}
    assert placed(kube, "runai-quota", "third") is None
    assert "OverLimit: project quota would have 2 GPUs of node pool default, its limit is 1" in reasons(
        kube, "runai-quota", "third"
    )
    scheduler.once(kube, said)
    assert reasons(kube, "runai-quota", "third").count("OverLimit") == 1


def test_who_deserves_it_preempts_who_is_over(runai: Backend, agent: Agent, kube: Kube, plane: ControlPlane) -> None:
    project(runai, agent, "greedy")
    project(runai, agent, "patient", deserved=1)
    agent.once()
    pod(plane, "runai-greedy", "build", 1, **{"kai.scheduler/preemptibility": "non-preemptible"})
    pod(plane, "runai-greedy", "train", 1)
    said: dict[str, str] = {}
    scheduler.once(kube, said)
    assert "it deserves 0 and the pod is not preemptible" in reasons(kube, "runai-greedy", "build")
    assert placed(kube, "runai-greedy", "train") == "gpu-1"
    pod(plane, "runai-patient", "mine", 1)
    scheduler.once(kube, said)
    assert "preempted for runai-patient/mine" in reasons(kube, "runai-greedy", "train")
    plane.kubectl("delete", "pod", "train", "-n", "runai-greedy", "--force", "--grace-period=0")  # the kubelet's part
    scheduler.once(kube, said)
    assert placed(kube, "runai-patient", "mine") == "gpu-1"


def test_node_roles(agent: Agent, kube: Kube, plane: ControlPlane) -> None:
    spec = {"global": {"nodeAffinity": {"restrictScheduling": True}}}
    meta = {"name": "runai", "namespace": "runai"}
    plane.apply({"apiVersion": "run.ai/v1", "kind": "RunaiConfig", "metadata": meta, "spec": spec})
    agent.once()
    pod(plane, "runai-patient", "cpu")
    said: dict[str, str] = {}
    scheduler.once(kube, said)
    assert placed(kube, "runai-patient", "cpu") is None
    node(plane, "cpu-1", 0, **{"node-role.kubernetes.io/runai-cpu-worker": "true"})
    scheduler.once(kube, said)
    assert placed(kube, "runai-patient", "cpu") == "cpu-1"
