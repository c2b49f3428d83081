"""Values of the charts that come from the site's keys; the site's own go around them. Pure.

Rows: S3, S7.
"""

from collections.abc import Mapping
from typing import Any

from components.parts.part import PodSecurity
from components.parts.storage import versions
from components.parts.storage.config import Csi, LocalPath, Storage, Subdir
from components.parts.storage.layout import Place, mount_options

CSI_NAMESPACE = "kube-system"
SUBDIR_NAMESPACE = "nfs-provisioner"
LOCAL_PATH_NAMESPACE = "local-path-storage"
NAMESPACES: Mapping[str, PodSecurity] = {SUBDIR_NAMESPACE: "baseline", LOCAL_PATH_NAMESPACE: "privileged"}
"""Those that we make. The helpers of local-path mount folders of their node."""
CSI = "csi-driver-nfs"
SUBDIR = "nfs-subdir-external-provisioner"
LOCAL_PATH = "local-path-provisioner"
"""Names of the charts. Of releases too, but that each class of SUBDIR has one of its own."""


def namespaces(config: Storage) -> Mapping[str, PodSecurity]:
    """Those that the site's classes need."""
    kinds = {type(each) for each in config.classes.values()}
    made = {SUBDIR_NAMESPACE: Subdir in kinds, LOCAL_PATH_NAMESPACE: LocalPath in kinds}
    return {name: level for name, level in NAMESPACES.items() if made[name]}


def csi(config: Storage) -> dict[str, Any]:
    """Of csi-driver-nfs. Its classes are objects of ours: the chart makes one only."""
    own: dict[str, Any] = {}
    if config.images:
        nfs = {"repository": f"{config.images}/sig-storage/nfsplugin"}
        own["image"] = {"baseRepo": config.images, "nfs": nfs}
    return own


def csi_parameters(each: Csi, share: Place) -> dict[str, str]:
    """Of a class of csi-driver-nfs: https://github.com/kubernetes-csi/csi-driver-nfs/blob/v4.13.4/docs/driver-parameters.md."""
    path = f"{share.path}/{each.path.strip('/')}" if each.path else share.path
    return {"server": share.server, "share": path}


def subdir(config: Storage, name: str, each: Subdir, share: Place) -> dict[str, Any]:
    """Of nfs-subdir-external-provisioner, one release for each class."""
    own: dict[str, Any] = {
        "nfs": {
            "server": share.server,
            "path": share.path,
            "mountOptions": mount_options(config, each.mount_options),
            "reclaimPolicy": "Retain",
            "volumeName": f"{name}-root",
        },
        "storageClass": {
            "name": name,
            "defaultClass": each.default,
            "reclaimPolicy": each.reclaim,
            "archiveOnDelete": each.archive,
        },
    }
    if config.images:
        own["image"] = {"repository": f"{config.images}/sig-storage/nfs-subdir-external-provisioner"}
    return own


def local_path(config: Storage, name: str, each: LocalPath) -> dict[str, Any]:
    """Of local-path-provisioner."""
    own: dict[str, Any] = {
        "fullnameOverride": LOCAL_PATH,
        "helperImage": {"tag": versions.HELPER_TAG},
        "nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [each.path]}],
        "storageClass": {"name": name, "defaultClass": each.default, "reclaimPolicy": each.reclaim},
    }
    if config.images:
        own["image"] = {"repository": f"{config.images}/rancher/local-path-provisioner"}
        own["helperImage"]["repository"] = f"{config.images}/library/busybox"
    return own
