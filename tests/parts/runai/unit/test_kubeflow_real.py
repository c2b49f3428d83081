"""Kubeflow's objects in a real API server, made by the official plugin: before Kubeflow is there, and after.

Does not prove: what Kubeflow's own programs make of them; only its kinds are there, without a schema.
"""

import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.parts.runai.sites import site_of
from tests.plugins.api_server import ApiServer, api_server, until
from tests.plugins.stack import Stack
from tests.plugins.tools import CHECKOUT, tool

pytestmark = [pytest.mark.row("R10"), pytest.mark.long]

ANA = {"ana": {"email": "ana@example.org"}}
PROJECT = {"kubeflow-ana": {"gpus": 1, "members": ["ana"]}}

PROGRAM = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(CHECKOUT)!r})
import pulumi, pulumi_kubernetes as k8s
from components.kubernetes import plane
from components.kubernetes import webhook
from components.kubernetes.handle import ClusterRef
from components.platforms.runai import notebooks, people
from components.tenancy import component
from tests.parts.runai.unit.test_kubeflow_real import site
from tests.parts.runai.sites import parts_of
from tests.plugins.test_projects import here

plane.ask = here
file = Path("kubeconfig").read_text().strip()
provider = k8s.Provider("cluster", kubeconfig=Path(file).read_text(), cluster_identifier="test")
planes = [type("Plane", (), {{"name": file}})]
refused = webhook.hook([], pulumi.log.error)
cluster = ClusterRef(provider, pulumi.Output.from_input(""), (), provider, planes, None, refused)
config, ground = parts_of(site(Path()))
shares = people.shares(config, ground)
made = component.Tenancy("projects", ground.projects, ground.subjects, cluster=cluster, shares=shares)
parent = pulumi.ComponentResource("test:index:Parent", "parent")
notebooks.Notebooks("runai", config, config.kubeflow, ground, cluster, parent=parent).open({{"kubeflow-ana": made}})
"""


def site(folder: Path) -> Any:
    """A site with one user of Kubeflow."""
    of = {"users": ANA, "projects": PROJECT}
    return site_of(folder, of=of, kubeflow={"users": ["ana"]})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    made = Stack.create(tmp_path_factory.mktemp("stack"))
    plugin = ("kubernetes", version("pulumi_kubernetes"), "--file", tool("pulumi-resource-kubernetes"))
    made.run("plugin", "install", "resource", *plugin)
    made.program(PROGRAM)
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stack: Stack) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api")) as running:
        (stack.project / "kubeconfig").write_text(str(running.kubeconfig))
        yield running


def kubeflow(server: ApiServer) -> None:
    """Its two kinds."""
    for plural, kind, of, scope in (
        ("profiles", "Profile", "v1", "Cluster"),
        ("poddefaults", "PodDefault", "v1alpha1", "Namespaced"),
    ):
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        body = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.kubeflow.org"},
            "spec": {
                "group": "kubeflow.org",
                "scope": scope,
                "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
                "versions": [{"name": of, "served": True, "storage": True, "schema": schema}],
            },
        }
        server.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
        path = f"/apis/kubeflow.org/{of}/{plural}"
        until(lambda path=path: server.ask("GET", path))  # type: ignore[misc]


def test_without_kubeflow_up_says_what_to_do_and_the_next_one_goes_on(server: ApiServer, stack: Stack) -> None:
    words = ["pulumi", "--non-interactive", "--color=never", "up", "--yes"]
    done = subprocess.run(words, cwd=stack.project, env=stack.environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    lacks = "the cluster has no profiles.kubeflow.org, poddefaults.kubeflow.org: Kubeflow is not installed."
    fix = "The rest is done. Fix: install Kubeflow, then pulumi up; or take kubeflow out of runai in platforms"
    assert f"[kubeflow] {lacks} {fix}" in said
    namespace = server.ask("GET", "/api/v1/namespaces/kubeflow-ana")["metadata"]
    assert namespace["annotations"]["owner"] == "ana@example.org"
    assert namespace["labels"]["runai/queue"] == "kubeflow-ana"
    kubeflow(server)
    stack.run("up", "--yes")
    owner = server.ask("GET", "/apis/kubeflow.org/v1/profiles/kubeflow-ana")["spec"]["owner"]
    assert owner == {"kind": "User", "name": "ana@example.org"}
    there = server.ask("GET", "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-ana/poddefaults")["items"]
    assert [each["metadata"]["name"] for each in there] == ["runai-non-fractional"]
    path = "/apis/networking.k8s.io/v1/namespaces/kubeflow-ana/networkpolicies/kubeflow"
    [rule] = server.ask("GET", path)["spec"]["ingress"]
    [peer] = rule["from"]
    [names] = peer["namespaceSelector"]["matchExpressions"]
    assert names["values"] == ["kubeflow", "istio-system"]
    stack.run("up", "--yes", "--expect-no-changes")
    stack.program(PROGRAM.partition("parent =")[0])
    stack.run("up", "--yes")
    assert server.ask("GET", "/apis/kubeflow.org/v1/profiles/kubeflow-ana")["spec"]["owner"] == owner
    left = server.ask("GET", "/apis/kubeflow.org/v1alpha1/namespaces/kubeflow-ana/poddefaults")["items"]
    assert left == []
