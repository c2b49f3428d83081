"""Objects, a Patch and a Release through the real `pulumi`, one story in the order it happens."""

import json
from pathlib import Path

import pytest

from lab.plugins.kubernetes_provider.cluster import ApiError, Cluster
from lab.plugins.kubernetes_provider.config import settings
from tests.plugins.charts import chart
from tests.plugins.stack import Stack

PROGRAM = """
import json
import pulumi
import pulumi_kubernetes as k8s
config = json.load(open("config.json"))
provider = k8s.Provider("cluster", kubeconfig=pulumi.Output.secret(config["kubeconfig"]), cluster_identifier="test",
    kube_client_settings={"timeout": 10})
opts = pulumi.ResourceOptions(provider=provider)
space = k8s.core.v1.Namespace("space", metadata={"name": "story"}, opts=opts)
settings = k8s.core.v1.ConfigMap("settings", data=config["data"],
    metadata={"namespace": space.metadata["name"]}, opts=opts)
secret = k8s.core.v1.Secret("secret", string_data={"password": pulumi.Output.secret("very hidden")},
    metadata={"name": "secret", "namespace": space.metadata["name"]}, opts=opts)
patch = k8s.core.v1.NamespacePatch("patch", metadata={"name": "default", "labels": {"patched": "yes"},
    "annotations": {"pulumi.com/patchForce": "true"}}, opts=opts)
release = k8s.helm.v3.Release("release", name="story", chart=config["chart"], namespace=space.metadata["name"],
    values={"greeting": config["greeting"]}, opts=opts)
pulumi.export("name", settings.metadata["name"])
pulumi.export("status", release.status.status)
pulumi.export("revision", release.status.revision)
"""


def test_up_update_refresh_and_destroy(stack: Stack, kubeconfig: str, tmp_path: Path) -> None:
    cluster = Cluster(settings({"kubernetes:config:kubeconfig": kubeconfig}))
    config: dict[str, object] = {
        "kubeconfig": kubeconfig,
        "data": {"a": "1"},
        "chart": str(chart(tmp_path)),
        "greeting": "hello",
    }

    def outputs(*words: str, **changes: object) -> dict[str, object]:
        config.update(changes)
        (stack.project / "config.json").write_text(json.dumps(config))
        stack.run(*words)
        found: dict[str, object] = json.loads(stack.run("stack", "output", "--json"))
        return found

    def config_map(name: object) -> dict[str, str]:
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "story"}}
        data: dict[str, str] = cluster.get(wanted)["data"]
        return data

    def labels(namespace: str) -> dict[str, str]:
        found = cluster.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        result: dict[str, str] = found["metadata"]["labels"]
        return result

    stack.program(PROGRAM)
    (stack.project / "config.json").write_text(json.dumps(config))
    stack.run("preview")
    first = outputs("up", "--yes", "--skip-preview")
    assert (first["status"], first["revision"]) == ("deployed", 1)
    assert str(first["name"]).startswith("settings-")
    assert config_map(first["name"]) == {"a": "1"}
    assert config_map("story-greeting") == {"greeting": "hello"}
    assert labels("default")["patched"] == "yes"
    stored = stack.run("stack", "export")
    assert "very hidden" not in stored and "dmVyeSBoaWRkZW4" not in stored

    stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert "unchanged" in stack.run("refresh", "--yes", "--expect-no-changes")

    second = outputs("up", "--yes", data={"a": "2"}, greeting="again")
    assert second["revision"] == 2
    assert second["name"] != first["name"]  # a ConfigMap's data is immutable: replaced under a new generated name
    assert config_map("story-greeting") == {"greeting": "again"}
    with pytest.raises(ApiError):
        config_map(first["name"])

    stack.run("destroy", "--yes", "--skip-preview")
    with pytest.raises(ApiError):
        labels("story")
    assert "patched" not in labels("default")
