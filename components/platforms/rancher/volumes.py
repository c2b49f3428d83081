"""A volume of each project on an NFS server, and its claim: as objects of Kubernetes. Pure.

Rows: T5.
"""

from typing import TYPE_CHECKING, Any

from components.kubernetes.force import FORCE
from components.platforms.rancher import places
from components.platforms.rancher.config import Volumes

if TYPE_CHECKING:
    from pulumi import Input

MODE = "ReadWriteMany"
"""What Rancher's user interface calls Many Nodes Read-Write."""
_MADE = {places.MADE: "true"}


def volume(of: Volumes, project: str) -> dict[str, Any]:
    """The fields of a PersistentVolume. It names its claim: no other claim can take it."""
    return {
        "metadata": {"name": project, "labels": _MADE, "annotations": FORCE},
        "spec": {
            "capacity": {"storage": of.capacity},
            "access_modes": [MODE],
            "persistent_volume_reclaim_policy": "Retain",
            "storage_class_name": "",
            "nfs": {"server": str(of.server), "path": f"{of.path.rstrip('/')}/{project}"},
            "claim_ref": {
                "api_version": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": project,
                "name": places.CLAIM,
            },
        },
    }


def claim(of: Volumes, project: str, volume: "Input[str]") -> dict[str, Any]:
    """The fields of the claim to a volume. Its class is the empty one: no class makes a volume for it."""
    return {
        "metadata": {"name": places.CLAIM, "namespace": project, "labels": _MADE, "annotations": FORCE},
        "spec": {
            "access_modes": [MODE],
            "storage_class_name": "",
            "volume_name": volume,
            "resources": {"requests": {"storage": of.capacity}},
        },
    }
