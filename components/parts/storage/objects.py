"""Volumes, claims and classes as objects of Kubernetes, and what `sitectl verify` wants of them. Pure.

Rows: S2, S3, S7, M3.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from components.kubernetes.force import FORCE
from components.parts.part import Expected, Probe
from components.parts.storage import values
from components.parts.storage.config import Csi, External, LocalPath, Storage, Subdir, Volume
from components.parts.storage.layout import Place, mount_options

if TYPE_CHECKING:
    from pulumi import Input

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def volume(name: str, config: Storage, each: Volume, place: Place) -> dict[str, Any]:
    """The fields of a PersistentVolume. It names its claim: no other claim can take it."""
    options = mount_options(config, each.mount_options, site_share=each.server is None)
    if each.access == "ReadOnlyMany" and "ro" not in options:
        # Kubernetes only compares access modes with claims: without this, pods could write.
        options.append("ro")
    spec: dict[str, Any] = {
        "capacity": {"storage": each.capacity},
        "access_modes": [each.access],
        "persistent_volume_reclaim_policy": "Retain",
        "storage_class_name": "",
        "mount_options": options,
        "nfs": {"server": place.server, "path": place.path},
    }
    if each.namespace:
        claim = {"api_version": "v1", "kind": "PersistentVolumeClaim"}
        spec["claim_ref"] = {**claim, "namespace": each.namespace, "name": each.claim or name}
    return {"metadata": {"name": name, "annotations": FORCE}, "spec": spec}


def claim(name: str, each: Volume, of: "Input[str]") -> dict[str, Any]:
    """The fields of the claim to a volume, whose name is `of`. Its class is the empty one: no class makes a volume
    for it."""
    return {
        "metadata": {"name": each.claim or name, "namespace": each.namespace, "annotations": FORCE},
        "spec": {
            "access_modes": [each.access],
            "storage_class_name": "",
            "volume_name": of,
            "resources": {"requests": {"storage": each.capacity}},
        },
    }


def csi_class(name: str, config: Storage, each: Csi, share: Place) -> dict[str, Any]:
    """The fields of a StorageClass of csi-driver-nfs."""
    return {
        "metadata": {"name": name, "annotations": {**FORCE, DEFAULT: "true" if each.default else "false"}},
        "provisioner": "nfs.csi.k8s.io",
        "parameters": values.csi_parameters(each, share),
        "mount_options": mount_options(config, each.mount_options),
        "reclaim_policy": each.reclaim,
        "volume_binding_mode": "Immediate",
        "allow_volume_expansion": True,
    }


def probes(config: Storage) -> Sequence[Probe]:
    """The programs that make volumes. Names as upstream's charts make them."""
    kinds = {type(each) for each in config.classes.values()}
    found = [Probe("deployment", name, values.SUBDIR_NAMESPACE) for name in subdirs(config)]
    if Csi in kinds:
        found.append(Probe("deployment", "csi-nfs-controller", values.CSI_NAMESPACE))
        found.append(Probe("daemonset", "csi-nfs-node", values.CSI_NAMESPACE))
    if LocalPath in kinds:
        found.append(Probe("deployment", values.LOCAL_PATH, values.LOCAL_PATH_NAMESPACE))
    return found


def subdirs(config: Storage) -> dict[str, str]:
    """The Deployment of each class of nfs-subdir-external-provisioner → the class. The chart's name is in it once."""
    names = [name for name, each in config.classes.items() if isinstance(each, Subdir)]
    return {name if values.SUBDIR in name else f"{name}-{values.SUBDIR}": name for name in names}


def expected(config: Storage) -> Sequence[Expected]:
    """Each claim is bound, each class is there, and the default class is the only one."""
    return [*_claims(config), *_classes(config)]


def _claims(config: Storage) -> Iterator[Expected]:
    for name, each in config.volumes.items():
        if each.namespace:
            what = f"persistentvolumeclaim {each.claim or name} -n {each.namespace}"
            fix = f"there: kubectl describe {what} and kubectl describe persistentvolume {name}"
            yield Expected(f"volumes/{name}", what, "{.status.phase}", "Bound", "its phase", fix)


def _classes(config: Storage) -> Iterator[Expected]:
    for name, each in config.classes.items():
        fix = "make it, or correct storage.classes" if isinstance(each, External) else "pulumi up --refresh"
        yield Expected(f"classes/{name}", f"storageclass {name}", "{.metadata.name}", name, "its name", fix)
    default = [name for name, each in config.classes.items() if each.default]
    if default:
        escaped = DEFAULT.replace(".", r"\.")
        path = rf'{{range .items[?(@.metadata.annotations.{escaped}=="true")]}}{{.metadata.name}}{{" "}}{{end}}'
        fix = f"there: kubectl annotate storageclass OTHER {DEFAULT}-"
        yield Expected("default-class", "storageclass", path, default[0], "the default", fix)
