"""What is left of a project in the cluster, against a real API server. Needs no host.

Does not prove: that a volume's data goes with its claim; that is the provisioner's work.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.hostrun import fleet
from ops import asking, purge
from ops import site as sites
from tests.plugins.api_server import until
from tests.plugins.control_plane import ControlPlane, control_plane
from tests.unit.fake_hosts import FakePulumi, Sitectl, pulumi, sitectl

pytestmark = pytest.mark.row("S5")
POD = {"serviceAccountName": "default", "containers": [{"name": "main", "image": "registry.example.org/main:1"}]}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane, with a namespace that does not end."""
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        _stuck(running)
        yield running


def _stuck(plane: ControlPlane) -> None:
    """Two namespaces that were deleted and do not end; first of all, as their controller takes 5 s to say why."""
    for name in ("held", "stuck"):
        plane.apply(thing("Namespace", name, metadata={"labels": {"gpu-metal/project": "true"}}))
    plane.apply(
        thing("ConfigMap", "notes", "held", metadata={"finalizers": ["example.org/keep"]}),
        thing("Pod", "train-7", "stuck", spec={**POD, "nodeName": "gpu-2"}),
    )
    plane.kubectl("delete", "namespace", "held", "stuck", "--wait=false")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """A stack whose state has nothing."""
    made = pulumi(tmp_path / "bin", monkeypatch)
    made.says("stack export", json.dumps({"deployment": {"resources": []}}))
    return made


@pytest.fixture
def ctl(tmp_path: Path, plane: ControlPlane, cli: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> Sitectl:  # noqa: ARG001
    """`sitectl` whose control plane is that one; a person answers."""
    made = sitectl(tmp_path, monkeypatch)
    monkeypatch.setattr(sites, "Fleet", partial(fleet.Fleet, ask=plane.ask))
    monkeypatch.setattr(asking, "somebody", lambda: True)
    monkeypatch.setattr(purge, "POLL", 0.1)
    return made


def thing(kind: str, name: str, namespace: str = "", api: str = "v1", **more: Any) -> dict[str, Any]:
    """One object."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def left(plane: ControlPlane, name: str, *, claim: bool = True) -> None:
    """A project that left the site, with what people made in its namespace."""
    labels = {"labels": {"gpu-metal/project": "true"}}
    plane.apply(thing("Namespace", name, metadata=labels))
    size = {"storage": "5Gi"}
    volume = {"capacity": size, "accessModes": ["ReadWriteMany"], "hostPath": {"path": "/srv"}, "storageClassName": ""}
    wants = {"accessModes": ["ReadWriteMany"], "resources": {"requests": size}, "storageClassName": ""}
    plane.apply(
        thing("ResourceQuota", "project", name, spec={"hard": {"pods": "9"}}),
        thing("ConfigMap", "notes", name),
        thing("Role", "helper", name, api="rbac.authorization.k8s.io/v1", rules=[]),
        *([thing("PersistentVolume", f"pv-{name}", spec=volume)] if claim else []),
        *([thing("PersistentVolumeClaim", "data", name, spec={**wants, "volumeName": f"pv-{name}"})] if claim else []),
    )


def names(plane: ControlPlane, kind: str, namespace: str) -> list[str]:
    return plane.kubectl("get", kind, "-n", namespace, "-o", "name").split()


def test_data_stays_until_it_is_asked_for(ctl: Sitectl, plane: ControlPlane) -> None:
    left(plane, "text")
    done = ctl("project", "purge", "text", stdin="text\n")
    assert done.exit_code == 0, done.stderr
    assert "goes : 1 ConfigMap: notes\ngoes : 1 Role: helper\nstays: claim data, 5Gi on volume pv-text (Retain)\n" in (
        done.stderr
    )
    assert "To delete the data: sitectl project purge text --data\n" in done.stderr
    assert names(plane, "persistentvolumeclaims", "text") == ["persistentvolumeclaim/data"]
    assert names(plane, "roles", "text") == []
    assert names(plane, "resourcequotas", "text") == ["resourcequota/project"]
    done = ctl("project", "purge", "text", "--data", stdin="text\nn\n")
    assert done.exit_code == 1
    assert done.stderr.endswith("It does not come back [y/N]:Nothing was deleted.\n")
    assert names(plane, "persistentvolumeclaims", "text") == ["persistentvolumeclaim/data"]
    done = ctl("project", "purge", "text", "--data", "--json", "--yes")
    assert done.exit_code == 0, done.stderr
    claim = "claim data, 5Gi on volume pv-text (Retain)"
    stays = [f"{claim}: its data stays where the volume is"]
    gone = ["namespace text", claim]
    assert json.loads(done.stdout) == {"ok": True, "name": "text", "deleted": gone, "stays": stays}
    assert plane.kubectl("get", "namespace", "text", "--ignore-not-found") == ""
    done = ctl("project", "purge", "text")
    assert "There is no namespace text: nothing is left of that project.\n" in done.stderr
    assert done.exit_code == 0


def test_a_claim_that_goes_with_something_else_is_not_lost_without_a_word(ctl: Sitectl, plane: ControlPlane) -> None:
    left(plane, "owned")
    uid = plane.kubectl("get", "configmap", "notes", "-n", "owned", "-o", "jsonpath={.metadata.uid}")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "notes", "uid": uid}
    patch = json.dumps({"metadata": {"ownerReferences": [owner]}})
    plane.kubectl("patch", "persistentvolumeclaim", "data", "-n", "owned", "--type=merge", "-p", patch)
    done = ctl("project", "purge", "owned", "--yes")
    assert done.exit_code == 1
    orphan = "kubectl -n owned delete configmap notes --cascade=orphan"
    said = f"owned: Kubernetes deletes claim data with its ConfigMap notes. Fix: to keep it: {orphan}; to delete it: "
    assert done.stderr.endswith(f"{said}--data\nNothing was deleted.\n")
    assert names(plane, "configmaps", "owned") == ["configmap/notes"]
    plane.kubectl(*orphan.split()[1:])
    path = "jsonpath={.metadata.ownerReferences}"
    until(lambda: not plane.kubectl("get", "pvc", "data", "-n", "owned", "-o", path), plane.folder)
    assert ctl("project", "purge", "owned", "--yes").exit_code == 0
    assert names(plane, "persistentvolumeclaims", "owned") == ["persistentvolumeclaim/data"]


def test_data_that_comes_while_somebody_answers_stays(
    ctl: Sitectl, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(plane, "busy", claim=False)

    def answered(*_: object) -> bool:
        left(plane, "busy")
        return True

    monkeypatch.setattr(purge, "typed", answered)
    done = ctl("project", "purge", "busy")
    assert done.exit_code == 1
    said = "busy: its volume claims or snapshots changed meanwhile. Nothing was deleted. Fix: repeat.\n"
    assert done.stderr.endswith(said)
    assert names(plane, "persistentvolumeclaims", "busy") == ["persistentvolumeclaim/data"]


def test_a_snapshot_is_data(ctl: Sitectl, plane: ControlPlane) -> None:
    group, schema = "snapshot.storage.k8s.io", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    kind = {"plural": "volumesnapshots", "singular": "volumesnapshot", "kind": "VolumeSnapshot"}
    spec = {"group": group, "scope": "Namespaced", "names": kind, "versions": [version]}
    metadata = {"annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-csi/external-snapshotter"}}
    name = f"volumesnapshots.{group}"
    plane.apply(
        thing("CustomResourceDefinition", name, api="apiextensions.k8s.io/v1", spec=spec, metadata=metadata),
    )
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"customresourcedefinition/{name}")
    left(plane, "shot", claim=False)
    plane.apply(thing("VolumeSnapshot", "monday", "shot", api=f"{group}/v1"))
    done = ctl("project", "purge", "shot", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "stays: snapshot monday\n" in done.stderr
    assert names(plane, "volumesnapshots", "shot") == [f"volumesnapshot.{group}/monday"]
    assert names(plane, "configmaps", "shot") == []


def test_another_word_deletes_nothing(ctl: Sitectl, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    left(plane, "kept", claim=False)
    plane.apply(thing("Pod", "train-7", "kept", spec=POD))
    done = ctl("project", "purge", "kept", stdin="yes\n")
    assert done.exit_code == 1
    assert "goes : 1 Pod: train-7\ngoes : 1 Role: helper\n       1 pod of these RUN\n" in done.stderr
    monkeypatch.setattr(asking, "somebody", lambda: False)
    done = ctl("project", "purge", "kept")
    assert done.exit_code == 2
    assert "Nobody to ask here. Nothing was deleted. Fix: repeat with --yes.\n" in done.stderr
    assert names(plane, "configmaps", "kept") == ["configmap/notes"]


def test_a_name_that_still_stands_is_refused(ctl: Sitectl, plane: ControlPlane, cli: FakePulumi) -> None:
    done = ctl("project", "purge", "vision", "--yes")
    assert done.exit_code == 1
    text = "projects.vision: is still in the site of dev. Nothing was deleted. Fix: sitectl project remove vision &&"
    assert text in done.stderr
    left(plane, "state", claim=False)
    metadata = {"urn": "urn:a", "type": "kubernetes:core/v1:Namespace", "inputs": {"metadata": {"name": "state"}}}
    cli.says("stack export", json.dumps({"deployment": {"resources": [metadata]}}))
    done = ctl("project", "purge", "state", "--yes")
    assert done.exit_code == 1
    assert "state: the stack's state still has 1 object of it. Nothing was deleted. Fix: pulumi up\n" in done.stderr
    assert names(plane, "configmaps", "state") == ["configmap/notes"]


def test_a_namespace_of_others_is_refused(ctl: Sitectl, plane: ControlPlane) -> None:
    plane.apply(thing("Namespace", "theirs"))
    done = ctl("project", "purge", "theirs", "--yes")
    assert done.exit_code == 1
    assert "cp-1 [namespace] theirs was not made for a project of gpu-metal. Nothing was deleted." in done.stderr
    assert ctl("project", "purge", "kube-system", "--yes").exit_code == 2
    assert plane.kubectl("get", "namespace", "theirs", "-o", "jsonpath={.status.phase}") == "Active"


@pytest.mark.parametrize(
    ("name", "condition", "why"),
    [
        ("held", "finalizers remaining", "has finalizers remaining: example.org/keep in 1 resource"),
        (
            "stuck",
            "remain",
            "pod train-7 is on gpu-2, which is not Ready\nThe name is free when it has ended. Fix: remove what holds",
        ),
    ],
)
def test_a_namespace_that_does_not_end_says_why_and_is_not_forced(
    ctl: Sitectl, plane: ControlPlane, name: str, condition: str, why: str
) -> None:
    said = ("get", "namespace", name, "-o", "jsonpath={.status.conditions[*].message}")
    until(lambda: condition in plane.kubectl(*said), plane.folder)
    done = ctl("project", "purge", name, "--timeout", "1s")
    assert done.exit_code == 9
    assert f"cp-1 [namespace] {name} was deleted and still ends: " in done.stderr
    assert why in done.stderr
    assert plane.kubectl("get", "namespace", name, "-o", "jsonpath={.status.phase}") == "Terminating"
    assert names(plane, "pods,configmaps", name) in (["pod/train-7"], ["configmap/notes"])
