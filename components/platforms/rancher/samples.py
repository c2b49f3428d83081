"""A pod to begin with, for the people of each project that has two GPUs or more: two containers with GPUs. Pure.

Rows: T6.
"""

import io
from typing import Any

from ruamel.yaml import YAML

from components.gpu.pods import RESOURCE
from components.parts.part import Ground
from components.platforms.rancher import people, places, versions
from components.platforms.rancher.config import Rancher

_MOST = 2
"""GPUs of each container, as in the document."""
_NOBODY = 65534
"""The user of a pod whose folder on the volume belongs to no user that the site knows."""


def files(config: Rancher, ground: Ground) -> dict[str, str]:
    """By path: the pod of each project."""
    found, personal = {}, people.personal(config, ground)
    for name, of in people.projects(config, ground).items():
        own = people.share(config, name).namespace.gpus
        gpus = min(_MOST, (of.gpus if own is None else own) // 2)
        uid = ground.users[name].uid if name in personal else None
        if gpus:
            made = pod(name, gpus, uid or _NOBODY, volume=config.volumes is not None)
            found[f"pods/{name}/gpu-pod.yaml"] = text(made, gpus)
    return found


def pod(project: str, gpus: int, uid: int, *, volume: bool) -> dict[str, Any]:
    """The object as the API server takes it. It is let into every project, whatever its podSecurity.

    It runs as number `uid`: on a volume, that is whose files it can read and write.
    """
    mounts = [{"name": places.CLAIM, "mountPath": "/data"}] if volume else []
    containers = [
        {
            "name": name,
            "image": image,
            "command": ["sh", "-c", "nvidia-smi -L && sleep 60"],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi", RESOURCE: gpus}},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            **({"volumeMounts": mounts} if mounts else {}),
        }
        for name, image in zip(("cuda-container", "devel-container"), versions.POD_IMAGES, strict=True)
    ]
    volumes = [{"name": places.CLAIM, "persistentVolumeClaim": {"claimName": places.CLAIM}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "gpu-pod", "namespace": project},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": uid,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": containers,
            **({"volumes": volumes} if volume else {}),
        },
    }


def text(made: dict[str, Any], gpus: int) -> str:
    """The file: what it shows, how to submit it, the object."""
    out, writer = io.StringIO(), YAML()
    writer.default_flow_style = False
    writer.width = 4096
    writer.dump(made, out)
    many = "a GPU" if gpus == 1 else f"{gpus} GPUs"
    says = f"One pod, two containers with {many} each: a container without nvidia.com/gpu gets none."
    return f"# {says}\n# Write your own images, then: kubectl create -f FILE\n{out.getvalue()}"
