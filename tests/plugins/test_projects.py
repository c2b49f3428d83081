"""What users may do in a real API server, with the objects that the program makes there by the official plugin.

Does not prove: that a control plane is asked over SSH (tests/unit), that pods run within their bounds (tests/lab).
"""

import asyncio
import json
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.tenancy import images, namespace
from components.tenancy.component import NO_SYSTEM_PRIORITY
from tests.plugins.api_server import ApiServer, api_server, until
from tests.plugins.stack import Stack
from tests.plugins.tools import CHECKOUT, tool

pytestmark = pytest.mark.row("X14", "S4", "S5")

USERS: dict[str, Any] = {"ana": {"subject": "ana@example.org"}, "ben": {}, "eva": {}, "finn": {}}
PROJECTS: dict[str, Any] = {
    "vision": {"gpus": 2, "cpu": "4", "memory": "8Gi", "pods": 3, "storage": "20Gi", "members": ["ana", "ben"]},
    "speech": {"members": ["ben", "eva"], "role": "view", "groups": ["oidc:speech"]},
}
SEES, DOES = ("get", "list", "watch"), ("create", "update", "patch", "delete")
OWN = (
    "pods",
    "deployments.apps",
    "jobs.batch",
    "configmaps",
    "services",
    "persistentvolumeclaims",
    "networkpolicies.networking.k8s.io",
)
BOUNDS = ("resourcequotas", "limitranges", "rolebindings.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io")
"""A member may change the network policies, which are about its own namespace only: so says Kubernetes' role edit."""

PROGRAM = f"""
import asyncio, json, sys
from pathlib import Path
sys.path.insert(0, {str(CHECKOUT)!r})
import pulumi, pulumi_kubernetes as k8s
from components.kubernetes import plane
from components.kubernetes import webhook
from components.kubernetes.handle import ClusterRef
from components.tenancy import component, images
from components.tenancy.config import Project
from tests.plugins.test_projects import here

site = json.loads(Path("site.json").read_text())
plane.ask = here
provider = k8s.Provider("cluster", kubeconfig=Path(site["kubeconfig"]).read_text(), cluster_identifier="test")
planes = [type("Plane", (), {{"name": site["kubeconfig"]}})]
refused = webhook.hook([], pulumi.log.error)
cluster = ClusterRef(provider, pulumi.Output.from_input(""), (), provider, planes, None, refused)
subjects = {{name: user.get("subject", name) for name, user in site["users"].items()}}
projects = {{name: Project.model_validate(project) for name, project in site["projects"].items()}}
if site["name"] == "tenants":  # as an earlier version made them
    component.OBJECT, component._kept = "tenant", lambda options: options
component.Tenancy(site["name"], projects, subjects, cluster=cluster, allowed=images.Allowed(site["registries"]))
"""


async def here(plane: Any, command: str, script: bytes, _: float) -> tuple[str, str]:
    """components.kubernetes.plane.ask, of the API server of this test, whose kubeconfig is the plane's name."""
    words = ["env", f"PATH={Path(tool('kubectl')).parent}:/usr/bin:/bin", *command.split()]
    text = script.decode().replace("/etc/kubernetes/admin.conf", plane.name)
    text = text.replace("/run/gpu-metal", str(Path(plane.name).parent))
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


class Cluster:
    """The API server, and the stack whose projects are in it."""

    def __init__(self, server: ApiServer, stack: Stack) -> None:
        self.server, self.stack = server, stack
        stack.program(PROGRAM)

    def up(self, users: Any, projects: Any, *, name: str = "projects", registries: Sequence[str] = ()) -> str:
        self._write(users, projects, name, registries)
        return self.stack.run("up", "--yes", "--skip-preview")

    def refused(self, users: Any, projects: Any) -> str:
        """What a run says that fails; the SDK adds a trace to the error of a hook."""
        self._write(users, projects, "projects")
        words = ["pulumi", "--non-interactive", "--color=never", "up", "--yes", "--skip-preview"]
        folder, environment = self.stack.project, self.stack.environment
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def _write(self, users: Any, projects: Any, name: str, registries: Sequence[str] = ()) -> None:
        site = {"name": name, "users": users, "projects": projects, "registries": list(registries)}
        site["kubeconfig"] = str(self.server.kubeconfig)
        (self.stack.project / "site.json").write_text(json.dumps(site))

    def namespace(self, name: str) -> dict[str, Any]:
        return self.server.ask("GET", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Iterator[Cluster]:
    plugin = ("kubernetes", version("pulumi_kubernetes"), "--file", tool("pulumi-resource-kubernetes"))
    stack.run("plugin", "install", "resource", *plugin)
    with api_server(tmp_path_factory.mktemp("api")) as server:
        made = Cluster(server, stack)
        made.up(USERS, PROJECTS, name="tenants")
        yield made


def test_a_tenant_of_an_earlier_version_becomes_a_project_in_place(cluster: Cluster) -> None:
    before = cluster.namespace("vision")["metadata"]["uid"]
    said = cluster.up(USERS, PROJECTS)
    assert "Tenancy projects created" not in said
    assert cluster.namespace("vision")["metadata"]["uid"] == before
    for path in (
        "api/v1/namespaces/vision/resourcequotas",
        "apis/networking.k8s.io/v1/namespaces/vision/networkpolicies",
    ):
        names = {each["metadata"]["name"] for each in cluster.server.ask("GET", f"/{path}")["items"]}
        assert names - {NO_SYSTEM_PRIORITY} == {"project"}


def test_each_user_may_what_the_site_says_and_nothing_else(cluster: Cluster) -> None:
    """All users, verbs and namespaces; other projects' secrets first of all."""
    may = cluster.server.may
    for name, user in USERS.items():
        subject = user.get("subject", name)
        for project, said in PROJECTS.items():
            member, edits = name in said["members"], said.get("role", "edit") == "edit"
            for verb in (*SEES, *DOES):
                does = verb in DOES
                for resource in OWN:
                    assert may(subject, verb, resource, project) == (member and (edits or not does)), (name, resource)
                assert may(subject, verb, "secrets", project) == (member and edits), (name, verb, project)
                for resource in (*BOUNDS, "namespaces") if does else ():
                    assert not may(subject, verb, resource, project), (name, verb, resource)
            assert may(subject, "create", "pods/exec", project) == (member and edits)
        for elsewhere in ("default", "kube-system", ""):
            for resource in ("secrets", "pods", "nodes", "persistentvolumes", "namespaces"):
                assert not any(may(subject, verb, resource, elsewhere) for verb in (*SEES, *DOES)), (name, elsewhere)
    assert may("zoe", "list", "pods", "speech", "oidc:speech")
    assert not may("zoe", "list", "pods", "vision", "oidc:speech")
    assert not may("ana", "list", "pods", "vision")  # the site's name of a user who has another one there


def pod(name: str, gpus: int = 0, **spec: Any) -> dict[str, Any]:
    limits = {"nvidia.com/gpu": str(gpus)} if gpus else {}
    container = {"name": "one", "image": "registry.example.org/one:1.0.0", "resources": {"limits": limits}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def test_what_is_over_quota_is_refused(cluster: Cluster) -> None:
    pods = "/api/v1/namespaces/vision/pods"
    made = cluster.server.ask("POST", pods, pod("two", gpus=2))
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "2"},
        "requests": {"cpu": "100m", "memory": "128Mi", "nvidia.com/gpu": "2"},
    }
    said = cluster.server.ask("POST", pods, pod("third", gpus=1), status=[403])["message"]
    assert "exceeded quota: project, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=2" in said
    assert (
        "violates PodSecurity"
        in cluster.server.ask("POST", pods, pod("bad", hostNetwork=True), status=[403])["message"]
    )
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "30Gi"}}},
    }
    claims = "/api/v1/namespaces/vision/persistentvolumeclaims"
    assert "exceeded quota" in cluster.server.ask("POST", claims, claim, status=[403])["message"]
    claim["spec"]["resources"] = {"requests": {"storage": "20Gi"}}  # type: ignore[index]
    cluster.server.ask("POST", claims, claim)


@pytest.mark.parametrize("name", ["system-node-critical", "system-cluster-critical"])
def test_a_pod_that_would_evict_other_projects_is_refused(cluster: Cluster, name: str) -> None:
    """Kubernetes makes these classes, and lets whoever makes pods use them."""
    pods = "/api/v1/namespaces/speech/pods"
    said = cluster.server.ask("POST", pods, pod("first", priorityClassName=name), status=[403])["message"]
    assert f"exceeded quota: {NO_SYSTEM_PRIORITY}, requested: pods=1, used: pods=0, limited: pods=0" in said


def test_a_pod_of_another_class_is_not_refused(cluster: Cluster) -> None:
    usual = {"metadata": {"name": "usual"}, "value": 1000}
    cluster.server.ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", usual)
    pods = "/api/v1/namespaces/speech/pods"
    until(lambda: cluster.server.ask("POST", pods, pod("other", priorityClassName="usual")))


@pytest.mark.row("X3")
def test_images_of_other_registries_are_refused_in_projects_and_nowhere_else(cluster: Cluster) -> None:
    """The API server takes up a policy within seconds."""

    def made(image: str, namespace: str = "speech", first: str | None = None) -> dict[str, Any]:
        body = pod("one")
        body["spec"]["containers"][0]["image"] = image
        body["spec"]["initContainers"] = [{"name": "first", "image": first}] if first else []
        path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
        return dict(cluster.server.ask("POST", path, body, status=[201, 403]))

    was = "/api/v1/namespaces/speech/pods"
    before = cluster.server.ask("POST", was, pod("before"))
    cluster.up(USERS, PROJECTS, registries=["registry.example.org/team", "docker.io/library"])
    says = "image ghcr.io/other:1 is of none of the site's allowedRegistries, which are registry.example.org/team, "
    until(lambda: says in made("ghcr.io/other:1").get("message", ""))
    assert (
        "image registry.example.org/teams/x:1 is"
        in made("busybox:1", first="registry.example.org/teams/x:1")["message"]
    )
    assert "image docker.io/other/x:1 is of none" in made("other/x:1")["message"]
    for image in ("registry.example.org/team/x:1", "busybox:1", "library/busybox:1"):
        assert made(image)["kind"] == "Pod", image
    assert made("ghcr.io/other:1", "default")["kind"] == "Pod"
    # What is there already may change, but not to another such image.
    before["metadata"]["labels"] = {"a": "b"}
    del before["metadata"]["resourceVersion"]
    cluster.server.ask("PUT", f"{was}/before", before)
    before["spec"]["containers"][0]["image"] = "ghcr.io/worse:1"
    assert "image ghcr.io/worse:1 is" in cluster.server.ask("PUT", f"{was}/before", before, status=[403])["message"]
    cluster.up(USERS, PROJECTS)
    until(lambda: made("ghcr.io/other:1")["kind"] == "Pod")


def test_what_is_taken_out_keeps_its_data_and_loses_who_may_see_it(cluster: Cluster) -> None:
    """After the test above: the project has a claim and a pod."""
    before = cluster.namespace("vision")["metadata"]["uid"]
    cluster.up({"eva": {}}, {"speech": {**PROJECTS["speech"], "members": ["eva"]}})
    assert cluster.namespace("vision")["metadata"]["uid"] == before
    assert cluster.server.ask("GET", "/api/v1/namespaces/vision/persistentvolumeclaims/data")["spec"]
    assert cluster.server.ask("GET", "/api/v1/namespaces/vision/resourcequotas/project")["spec"]["hard"]["pods"] == "3"
    for subject in ("ana@example.org", "ben"):
        assert not any(cluster.server.may(subject, verb, "pods", "vision") for verb in SEES)
    assert not cluster.server.may("ben", "list", "pods", "speech")
    cluster.up(USERS, PROJECTS)
    assert cluster.namespace("vision")["metadata"]["uid"] == before
    assert cluster.server.may("ana@example.org", "get", "persistentvolumeclaims", "vision")


def test_a_namespace_that_is_not_free_is_refused_with_what_holds_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, projects = cluster.server, {**PROJECTS, "sound": {}}
    server.ask("POST", "/api/v1/nodes", {"metadata": {"name": "gpu-7"}})
    for name in ("sound", "light"):
        server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    monkeypatch.setattr("components.kubernetes.plane.ask", here)
    plane = SimpleNamespace(name=str(server.kubeconfig))
    with pytest.raises(namespace.NamespaceError, match=r"\[namespace\] light is there already, and no project"):
        asyncio.run(namespace.free([plane], "light"))  # type: ignore[list-item]
    server.ask("POST", "/api/v1/namespaces/sound/serviceaccounts", {"metadata": {"name": "own"}})
    server.ask("POST", "/api/v1/namespaces/sound/pods", pod("stuck", nodeName="gpu-7", serviceAccountName="own"))
    held = {"metadata": {"name": "held", "finalizers": ["example.org/backup"]}}
    server.ask("POST", "/api/v1/namespaces/light/configmaps", held)
    for name in ("sound", "light"):
        server.ask("DELETE", f"/api/v1/namespaces/{name}")
    said = cluster.refused(USERS, projects)
    assert "[namespace] sound was deleted and still ends" in said
    assert "pod stuck is on gpu-7, which is not Ready" in said
    until(lambda: "example.org/backup" in json.dumps(cluster.namespace("light")["status"]))
    with pytest.raises(namespace.NamespaceError, match=r"light was deleted and still ends: .*example.org/backup in 1"):
        asyncio.run(namespace.free([plane], "light"))  # type: ignore[list-item]


@pytest.mark.row("X3")
def test_images_are_read_as_containerd_reads_them(cluster: Cluster) -> None:
    """A word with a capital letter is a registry, a digest alone is what lies on the node, a volume has an image."""
    group = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    spec, metadata = images.policy(images.Allowed(["docker.io"])), {"name": images.NAME}
    cluster.server.ask("POST", f"{group}ies", {"metadata": metadata, "spec": spec})
    cluster.server.ask("POST", f"{group}ybindings", {"metadata": metadata, "spec": images.binding(images.NAME)})

    def made(image: str, volume: str | None = None) -> str:
        """Why it is refused; empty if it is not."""
        body = pod("one")
        body["spec"]["containers"][0]["image"] = image
        body["spec"]["volumes"] = [{"name": "own", "emptyDir": {}}]
        if volume:
            body["spec"]["volumes"] += [{"name": "other", "image": {"reference": volume}}]
        path = "/api/v1/namespaces/speech/pods?dryRun=All"
        return str(cluster.server.ask("POST", path, body, status=[201, 403]).get("message", ""))

    try:
        until(lambda: "image ghcr.io/other:1 is of none" in made("ghcr.io/other:1"))
        for image in ("EVIL/x:1", "localhost/x:1", f"sha256:{64 * 'a'}"):
            assert f"image {image} is of none" in made(image)
        assert "image ghcr.io/data:1 is of none" in made("busybox:1", "ghcr.io/data:1")
        for image in ("busybox", "team/x@sha256:" + 64 * "a", "docker.io/x:1"):
            assert made(image, "team/data:1") == "", image
    finally:
        cluster.server.ask("DELETE", f"{group}ybindings/{images.NAME}")
        cluster.server.ask("DELETE", f"{group}ies/{images.NAME}")
