"""Objects, a Patch and a Release through the real `pulumi`, one story in the order it happens."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab.plugins.kubernetes_provider.cluster import ApiError, Cluster
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


def live(cluster: Cluster, kind: str, name: str) -> dict[str, Any]:
    """A namespace, or something in `story`."""
    metadata = {"name": name} if kind == "Namespace" else {"name": name, "namespace": "story"}
    return cluster.get({"apiVersion": "v1", "kind": kind, "metadata": metadata})


def test_up_update_refresh_and_destroy(stack: Stack, kubeconfig: str, cluster: Cluster, tmp_path: Path) -> None:
    config: dict[str, Any] = {"kubeconfig": kubeconfig, "chart": str(chart(tmp_path))}

    def run(*words: str, **changes: Any) -> dict[str, Any]:
        config.update(changes)
        (stack.project / "config.json").write_text(json.dumps(config))
        stack.run(*words)
        return stack.outputs()

    stack.program(PROGRAM)
    first = run("up", "--yes", data={"a": "1"}, greeting="hello")
    assert (first["status"], first["revision"]) == ("deployed", 1)
    assert first["name"].startswith("settings-")
    assert live(cluster, "ConfigMap", first["name"])["data"] == {"a": "1"}
    assert live(cluster, "ConfigMap", "story-greeting")["data"] == {"greeting": "hello"}
    assert live(cluster, "Namespace", "default")["metadata"]["labels"]["patched"] == "yes"
    stored = stack.stored()
    assert "very hidden" not in stored and "dmVyeSBoaWRkZW4" not in stored

    run("up", "--yes", "--skip-preview", "--expect-no-changes")
    run("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    second = run("up", "--yes", "--skip-preview", data={"a": "2"}, greeting="again")
    assert second["revision"] == 2
    assert second["name"] != first["name"]  # a ConfigMap's data is immutable: replaced under a new generated name
    assert live(cluster, "ConfigMap", "story-greeting")["data"] == {"greeting": "again"}
    with pytest.raises(ApiError):
        live(cluster, "ConfigMap", first["name"])

    stack.run("destroy", "--yes", "--skip-preview")
    with pytest.raises(ApiError):
        live(cluster, "Namespace", "story")
    assert "patched" not in live(cluster, "Namespace", "default")["metadata"]["labels"]
