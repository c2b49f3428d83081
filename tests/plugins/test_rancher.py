"""People and projects of a site as the official plugins make them: in a real API server, with Rancher's stand-in.

Does not prove: the release, that a control plane is asked over SSH, what Rancher itself does; the lab's story has the
release.
"""

import asyncio
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.kubernetes import plane
from components.platforms.rancher.api import RancherApi
from components.platforms.rancher.own import Own, OwnError, free
from components.rest.access import Access
from tests.parts.rancher.standin import BOOTSTRAP, PASSWORD, Rancher, rancher
from tests.plugins.api_server import until
from tests.plugins.stack import Stack
from tests.plugins.test_projects import here
from tests.plugins.tools import CHECKOUT, tool

pytestmark = [pytest.mark.long, pytest.mark.row("T5")]  # in the gate: tests/parts/rancher

FIRST, OWN = "First-of-Rancher-1", "Her-own-of-Rancher-1"
KIND = "/apis/management.cattle.io/v3"
PROGRAM = f"""
import json, sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {str(CHECKOUT)!r})
import pulumi, pulumi_kubernetes as k8s
from components.kubernetes import webhook
from components.kubernetes.handle import ClusterRef
from components.platforms.rancher import component, people
from components.rest.access import Access
from components.tenancy.component import Tenancy
from tests.parts.rancher.sites import parts_of, site_of
from tests.plugins.test_rancher import released
from components.kubernetes import plane

said = json.loads(Path("site.json").read_text())
plane.ask = released
config, ground = parts_of(site_of(Path.cwd(), **said["entry"], of=said["site"]))
access = Access(url="https://rancher.lab", server=said["server"], ca=said["ca"], username="admin")
component.RancherServer._access = lambda self: access
component.objects.Leftovers = lambda *_, **__: None  # asks a control plane by SSH
component.RancherServer._release = lambda self, _: k8s.core.v1.ConfigMap(
    "release", metadata={{"name": "release"}}, opts=self._cluster.options(self)
)
provider = k8s.Provider("cluster", kubeconfig=Path(said["kubeconfig"]).read_text(), cluster_identifier="test")
planes = [type("Plane", (), {{"name": said["kubeconfig"]}})]
refused = webhook.hook([], pulumi.log.error)
cluster = ClusterRef(provider, pulumi.Output.from_input(""), (), provider, planes, None, refused)
shares = people.shares(config, ground) if said["there"] else {{}}
projects = Tenancy("projects", ground.projects, ground.subjects, cluster=cluster, shares=shares)
cluster = replace(cluster, ready=(projects,))
secrets = said["secrets"]
secret = lambda name: pulumi.Output.secret(secrets[name])
if said["there"]:
    component.RancherServer("rancher", config, ground=ground, cluster=cluster, secret=secret)
"""


HELD = Path("held")
"""In the project's folder: something holds the namespace that it names until the program has seen that."""


async def released(at: Any, command: str, script: bytes, deadline: float) -> tuple[str, str]:
    """What kubectl answers; after the answer that a namespace still ends, what holds it lets go."""
    said = await here(at, command, script, deadline)
    name = HELD.read_text() if HELD.exists() else ""
    if name and f"ends\nnamespace {name}" in said[0]:
        HELD.unlink()
        free = f"kubectl --kubeconfig {at.name} patch namespace {name} --type=merge -p "
        await here(at, "bash -s", f'{free}\'{{"metadata":{{"finalizers":[]}}}}\''.encode(), deadline)
    return said


class Site:
    """What the site says, what the stack makes of it, and what Rancher has."""

    def __init__(self, lab: Rancher, stack: Stack) -> None:
        self.lab, self.stack = lab, stack
        self.secrets = {"rancherBootstrap": BOOTSTRAP, "rancherAdmin": PASSWORD, "rancherFirst": FIRST}
        stack.program(PROGRAM)

    def up(self, *words: str, of: dict[str, Any] | None = None, there: bool = True, **entry: Any) -> str:
        """`pulumi up` with these keys; without `there`, the site has no Rancher."""
        self.write(of, there=there, **entry)
        return self.stack.run("up", "--yes", "--skip-preview", *words)

    def hold(self, namespace: str) -> None:
        """Keeps a namespace from ending until the next run has seen it."""
        held = {"metadata": {"finalizers": ["example.org/held"]}}
        path = f"/api/v1/namespaces/{namespace}"
        self.lab.kube.ask("PATCH", path, held, "application/merge-patch+json")
        (self.stack.project / HELD).write_text(namespace)

    def write(self, of: dict[str, Any] | None, *, there: bool, **entry: Any) -> None:
        """What the program reads."""
        said = {
            "there": there,
            "entry": {"personal": {"gpus": 1, "cpu": "4"}, **entry},
            "site": of or {},
            "server": self.lab.https,
            "ca": self.lab.authority,
            "kubeconfig": str(self.lab.api.kubeconfig),
            "secrets": self.secrets,
        }
        (self.stack.project / "site.json").write_text(json.dumps(said))

    def access(self, username: str = "admin", password: str = PASSWORD) -> Access:
        return Access("https://rancher.lab", username, password, server=self.lab.https, ca=self.lab.authority)

    def api(self) -> RancherApi:
        return RancherApi(self.access())

    def uid(self, username: str) -> str:
        return str((self.api().user(username) or {})["id"])

    def project(self, name: str = "p-vision") -> dict[str, Any]:
        found: dict[str, Any] = self.lab.api.ask("GET", f"{KIND}/namespaces/local/projects/{name}")
        return found

    def used(self, project: str) -> str:
        """GPUs that Rancher has counted in a project's namespaces."""
        counted = self.project(f"p-{project}")["spec"]["resourceQuota"].get("usedLimit", {})
        return str(counted.get("extended", {}).get("requests.nvidia.com/gpu"))

    def namespaces(self) -> list[str]:
        return [each["metadata"]["name"] for each in self.lab.api.ask("GET", "/api/v1/namespaces")["items"]]

    def members(self) -> dict[str, str]:
        """Role by user's id."""
        path = f"{KIND}/namespaces/local-p-vision/projectroletemplatebindings"
        return {each["userName"]: each["roleTemplateName"] for each in self.lab.api.ask("GET", path)["items"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Iterator[Site]:
    plugin = ("kubernetes", version("pulumi_kubernetes"), "--file", tool("pulumi-resource-kubernetes"))
    stack.run("plugin", "install", "resource", *plugin)
    stack.environment["PYTHONPATH"] = str(CHECKOUT)  # the plugin of objects behind APIs reads their kinds from there
    with rancher(tmp_path_factory.mktemp("rancher")) as lab:
        made = Site(lab, stack)
        made.up()
        yield made


def test_people_have_what_the_site_says_and_a_second_run_changes_nothing(site: Site) -> None:
    ana = site.uid("ana")
    assert site.members() == {ana: "project-member", site.uid("ben"): "project-member"}
    until(lambda: site.lab.may(ana, "create", "pods", "vision"))
    until(lambda: site.lab.may(ana, "create", "pods", "ana"))
    assert not site.lab.may(ana, "create", "pods", "ben")
    assert not site.lab.may(ana, "get", "secrets", "cattle-system")
    labels = site.lab.api.ask("GET", "/api/v1/namespaces/ana")["metadata"]["labels"]
    assert labels["field.cattle.io/projectId"] == "p-ana"
    site.up("--expect-no-changes")


def test_another_role_is_another_binding_and_a_smaller_quota_takes_one_run(site: Site) -> None:
    """Rancher refuses one below what it has counted, until it has counted anew: for shared and for own projects."""
    before = site.project()["metadata"]["uid"]
    until(lambda: (site.used("vision"), site.used("ana")) == ("4", "1"))
    projects = {"vision": {"gpus": 3, "cpu": "8", "members": ["ana"]}}
    own = {"gpus": 0, "cpu": "4"}
    site.up(of={"projects": projects}, projects={"vision": {"role": "project-owner"}}, personal=own)
    assert site.members() == {site.uid("ana"): "project-owner"}
    after = site.project()
    assert after["metadata"]["uid"] == before
    assert after["spec"]["resourceQuota"]["limit"]["extended"] == {"requests.nvidia.com/gpu": "3"}
    limit = site.project("p-ana")["spec"]["resourceQuota"]["limit"]
    assert limit["extended"] == {"requests.nvidia.com/gpu": "0"}


def test_a_project_that_others_made_under_the_name_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane, "ask", here)
    theirs = {"metadata": {"name": "p-audio"}, "spec": {"displayName": "audio", "clusterName": "local"}}
    kind = {"apiVersion": "management.cattle.io/v3", "kind": "Project"}
    site.lab.kube.ask("POST", f"{KIND}/namespaces/local/projects", kind | theirs)
    planes: Any = [SimpleNamespace(name=str(site.lab.api.kubeconfig))]
    with pytest.raises(OwnError, match=r"projects\.management\.cattle\.io p-audio is there already, and this"):
        asyncio.run(free(planes, Own("projects", "p-audio", "local", "local-p-audio"), print))
    asyncio.run(free(planes, Own("projects", "p-vision", "local", "local-p-vision"), print))
    site.lab.kube.remove(f"{KIND}/namespaces/local/projects/p-audio")


def test_a_change_by_hand_is_mended_and_what_rancher_adds_is_left_alone(site: Site) -> None:
    body = {"spec": {"resourceQuota": {"limit": {"pods": "170"}}, "description": "by hand"}}
    site.lab.kube.ask("PATCH", f"{KIND}/namespaces/local/projects/p-vision", body, "application/merge-patch+json")
    said = site.up("--refresh")
    assert "rancher-project-vision" in said
    spec = site.project()["spec"]
    assert (spec["resourceQuota"]["limit"]["pods"], spec["description"]) == ("100", "by hand")


def test_who_leaves_has_no_role_and_the_namespace_stays(site: Site) -> None:
    ben = site.uid("ben")
    site.up(of={"users": {"ana": {}}, "projects": {"vision": {"gpus": 4, "members": ["ana"]}}})
    assert site.api().one("/v3/users", ben) is None
    until(lambda: not site.lab.may(ben, "create", "pods", "ben"))
    assert site.lab.api.ask("GET", "/api/v1/namespaces/ben")["metadata"]["name"] == "ben", "with what is in it"


def test_out_of_a_site_that_stays_and_in_again(site: Site) -> None:
    ana = site.uid("ana")
    RancherApi(site.access("ana", FIRST)).change_password(FIRST, OWN)
    site.hold("local-p-vision")
    site.up(there=False)
    there = {each["metadata"]["name"] for each in site.lab.api.ask("GET", f"{KIND}/projects")["items"]}
    assert not {name for name in there if name.startswith("p-vision")}
    assert site.lab.api.ask("GET", f"{KIND}/globalrolebindings/gm-ana", status=(404,))
    notes = site.lab.api.ask("GET", "/api/v1/namespaces/vision")["metadata"].get("annotations", {})
    assert "field.cattle.io/projectId" not in notes
    # Rancher deletes a project's own namespace after the project is gone, and makes no other of that name before: here
    # something holds it until the next run has seen it.
    assert "waits until the former namespace local-p-vision is gone" in site.up()
    assert (site.uid("ana"), site.members()[ana]) == (ana, "project-member")
    RancherApi(site.access("ana", OWN)).session.log_in()
