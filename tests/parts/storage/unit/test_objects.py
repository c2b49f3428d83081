"""What storage makes of its keys in the cluster. Does not prove: that the objects work; ../lab does, of some."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.parts.chart import leaves
from components.parts.part import Expected, Probe
from components.parts.storage import objects, values, versions
from components.parts.storage.config import Storage
from components.parts.storage.layout import Place
from ops import chart_keys, probes
from tests.parts.storage.unit.test_steps import whole
from tests.samples import ROOT, UPSTREAM
from tests.unit.recorder import Plan
from tests.unit.test_golden import planned

FORCE = {"pulumi.com/patchForce": "true"}
DEFAULT = "storageclass.kubernetes.io/is-default-class"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned("storage-whole", tmp_path_factory.mktemp("plan"))


def released(plan: Plan) -> dict[str, Any]:
    return {release.inputs["name"]: release.inputs for release in plan.of("kubernetes:helm.sh/v3:Release")}


@pytest.mark.row("S2")
def test_a_volume_and_its_claim_name_each_other(plan: Plan) -> None:
    volume, claim = plan.one("storage-volume-output"), plan.one("storage-claim-output")
    assert volume.inputs["metadata"] == {"name": "output", "annotations": FORCE}
    assert volume.inputs["spec"] == {
        "capacity": {"storage": "100Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "mountOptions": ["nfsvers=4", "hard"],
        "nfs": {"server": "10.0.0.11", "path": "/srv/data/vision/output"},
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "vision", "name": "out"},
    }
    assert claim.inputs["metadata"] == {"name": "out", "namespace": "vision", "annotations": FORCE}
    assert claim.inputs["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "",
        "volumeName": "output",
        "resources": {"requests": {"storage": "100Gi"}},
    }
    assert {"storage-volume-output", "vision"} <= set(claim.depends_on)


@pytest.mark.row("S2")
def test_a_volume_may_have_no_claim_and_a_server_of_its_own(plan: Plan) -> None:
    assert "claimRef" not in plan.one("storage-volume-input").inputs["spec"]
    assert not [each for each in plan.resources.values() if each.name == "storage-claim-input"]
    archive = plan.one("storage-volume-archive").inputs["spec"]
    assert archive["nfs"] == {"server": "10.8.0.1", "path": "/export/a"}
    assert archive["mountOptions"] == ["ro", "nfsvers=4.1"]


@pytest.mark.row("S2", "N3")
@pytest.mark.parametrize(("access", "options"), [("ReadOnlyMany", ["hard", "ro"]), ("ReadWriteMany", ["hard"])])
def test_pods_cannot_write_to_what_they_only_read(access: str, options: list[str]) -> None:
    """The kubelet takes a mount option; it compares access modes with nothing."""
    config = Storage.model_validate(
        {
            "server": {"address": "10.8.0.1", "path": "/export"},
            "volumes": {"input": {"path": "in", "capacity": "1Gi", "access": access}},
        }
    )
    made = objects.volume("input", config, config.volumes["input"], Place("10.8.0.1", "/export/in"))
    assert made["spec"]["mount_options"] == options


@pytest.mark.row("S2", "S7")
def test_what_kubernetes_lets_nobody_change_is_made_anew_in_an_order_that_ends(plan: Plan) -> None:
    """A volume waits for its claim to go: so the claim has an output of it, by which Pulumi deletes the claim first."""
    volume, claim = plan.one("storage-volume-output").options, plan.one("storage-claim-output").options
    assert volume["replace_on_changes"] == ("spec.nfs", "spec.claimRef", "spec.accessModes")
    assert volume["delete_before_replace"]
    assert claim["outputs_of"] == {"spec": ("storage-volume-output",)}
    assert (claim["replace_on_changes"], claim["delete_before_replace"]) == (("spec",), True)
    assert claim["ignore_changes"] == ("spec.resources",)
    assert plan.one("storage-class-nfs").options["replace_on_changes"] == ("parameters", "reclaimPolicy")


@pytest.mark.row("S7")
def test_a_class_of_csi_nfs_is_an_object_of_ours(plan: Plan) -> None:
    made = plan.one("storage-class-nfs").inputs
    assert made["metadata"] == {"name": "nfs", "annotations": {**FORCE, DEFAULT: "true"}}
    assert made["provisioner"] == "nfs.csi.k8s.io"
    assert made["parameters"] == {"server": "10.0.0.11", "share": "/srv/data/dynamic"}
    assert (made["reclaimPolicy"], made["mountOptions"]) == ("Delete", ["nfsvers=4", "hard"])
    assert not [each for each in plan.resources.values() if each.name == "storage-class-ceph"]


@pytest.mark.row("S7")
def test_each_way_to_make_volumes_is_a_release_in_its_namespace(plan: Plan) -> None:
    found = released(plan)
    assert {
        name: (made["namespace"], made["chart"], made["version"]) for name, made in found.items() if name != "flannel"
    } == {
        "csi-driver-nfs": ("kube-system", "csi-driver-nfs", "4.13.4"),
        "legacy": ("nfs-provisioner", "nfs-subdir-external-provisioner", "4.0.18"),
        "local-path-provisioner": ("local-path-storage", "oci://registry.example.org/local-path-provisioner", "0.0.37"),
    }
    levels = {
        each.inputs["metadata"]["name"]: each.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in plan.of("kubernetes:core/v1:Namespace")
    }
    assert (levels["nfs-provisioner"], levels["local-path-storage"]) == ("baseline", "privileged")
    assert "local-path-storage-namespace" in plan.one("storage-local-path").depends_on


@pytest.mark.row("S7")
def test_values_come_from_the_site_and_images_from_its_registry(plan: Plan) -> None:
    found = {name: made["values"] for name, made in released(plan).items()}
    hub = "registry.example.org:5000/hub"
    assert found["csi-driver-nfs"] == {
        "image": {"baseRepo": hub, "nfs": {"repository": f"{hub}/sig-storage/nfsplugin"}}
    }
    assert found["legacy"] == {
        "image": {"repository": f"{hub}/sig-storage/nfs-subdir-external-provisioner"},
        "nfs": {
            "server": "10.0.0.11",
            "path": "/srv/data",
            "mountOptions": ["soft"],
            "reclaimPolicy": "Retain",
            "volumeName": "legacy-root",
        },
        "storageClass": {"name": "legacy", "defaultClass": False, "reclaimPolicy": "Retain", "archiveOnDelete": False},
    }
    local = found["local-path-provisioner"]
    assert local["debug"] is True
    assert local["helperImage"] == {"repository": f"{hub}/library/busybox", "tag": "1.37.0"}
    assert local["nodePathMap"] == [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/opt/volumes"]}]
    assert local["storageClass"] == {
        "create": True,
        "name": "local",
        "defaultClass": False,
        "reclaimPolicy": "Delete",
    }


def test_a_class_that_nobody_has_needs_no_namespace() -> None:
    config = Storage.model_validate({"classes": {"ceph": {"kind": "external", "default": True}}})
    assert values.namespaces(config) == {}
    assert objects.probes(config) == []


@pytest.mark.row("S7")
def test_the_values_that_we_set_are_those_of_the_list(plan: Plan) -> None:
    """Those of other versions: `python3 -m ops.chart_keys storage/CHART FILE`."""
    for name, made in released(plan).items():
        if name == "flannel":
            continue
        chart = made["chart"].rpartition("/")[2]
        own = {key for key in leaves(made["values"]) if key not in (("debug",), ("storageClass", "create"))}
        assert own == chart_keys.listed(f"storage/{chart}"), chart


def tree(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: tree(below) for name, below in schema.get("properties", {}).items()}


@pytest.mark.row("S7")
@pytest.mark.parametrize("chart", [values.CSI, values.SUBDIR])
def test_the_charts_know_each_value(chart: str) -> None:
    """By the schema of the lab's stand-in, which has the names of upstream's values file."""
    known = tree(json.loads((ROOT / f"lab/parts/storage/charts/{chart}/values.schema.json").read_text()))
    listed = chart_keys.listed(f"storage/{chart}")
    assert list(chart_keys.lacking(listed, known)) == []
    assert list(chart_keys.lacking({*listed, ("image", "tags")}, known)) == ["image.tags: the chart has no such key"]


@pytest.mark.row("S7")
@pytest.mark.parametrize(
    ("chart", "version"),
    [
        (values.CSI, versions.CSI_NFS),
        (values.SUBDIR, versions.SUBDIR),
        (values.LOCAL_PATH, versions.LOCAL_PATH),
    ],
)
def test_the_charts_own_values_have_each_that_we_set(chart: str, version: str) -> None:
    file = UPSTREAM / chart / version / "values.yaml"
    if not file.exists():
        pytest.skip(f"the chart's own values are not here: {file}")
    assert list(chart_keys.lacking(chart_keys.listed(f"storage/{chart}"), chart_keys.values([str(file)]))) == []


@pytest.mark.row("S3")
@pytest.mark.row("M3")
def test_verify_asks_for_claims_classes_and_the_one_default(tmp_path: Path) -> None:
    found = [probe for name, probe in probes.of(whole(tmp_path)) if name == "storage"]
    assert [each for each in found if isinstance(each, Probe)] == [
        Probe("deployment", "legacy-nfs-subdir-external-provisioner", "nfs-provisioner"),
        Probe("deployment", "csi-nfs-controller", "kube-system"),
        Probe("daemonset", "csi-nfs-node", "kube-system"),
        Probe("deployment", "local-path-provisioner", "local-path-storage"),
    ]
    asked = {each.name: (each.objects, each.want) for each in found if isinstance(each, Expected)}
    assert asked == {
        "volumes/output": ("persistentvolumeclaim out -n vision", "Bound"),
        "volumes/archive": ("persistentvolumeclaim archive -n vision", "Bound"),
        **{f"classes/{name}": (f"storageclass {name}", name) for name in ("nfs", "legacy", "local", "ceph")},
        "default-class": ("storageclass", "nfs"),
    }
