"""Volumes of the lab's site as its pods meet them."""

import json
from typing import Any

from lab.parts.storage.depot import CHARTS
from lab.tools.catalogue import LOCAL_PATH
from tests.lab.cluster import kubectl
from tests.lab.stack import on, until

SHARE = "/var/lib/docker/share"
"""On a folder that is no overlay: the server cannot export one."""
FOLDER = f"{SHARE}/vision/shared"
STORAGE: dict[str, Any] = {
    "nfs": {"host": "cp-1", "path": SHARE, "server": "ganesha", "versions": ["3"]},
    "mountOptions": ["vers=3"],
    "images": "registry.k8s.io",  # whose mirror the lab's registry is
    "volumes": {
        "shared": {
            "path": "vision/shared",
            "capacity": "1Gi",
            "namespace": "vision",
            "owner": "2000:2000",
            "mode": "2770",
        }
    },
    "classes": {"local": {"kind": "local-path", "default": True}},
    "charts": {"localPath": {"chart": "local-path-provisioner", "repository": CHARTS, "version": LOCAL_PATH.version}},
}
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf -n vision"


def run(name: str, host: str, user: int, command: str, claim: str = "shared") -> str:
    """What the command prints in a pod on that host, as that user, with the claim at /data."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": host},
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {"runAsUser": user, "runAsGroup": user},
            "containers": [
                {
                    "name": "main",
                    "image": "registry.k8s.io/busybox:1.36",
                    "command": ["sh", "-c", f"{command} 2>&1 || true"],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        },
    }
    apply(pod)
    until(lambda: phase(name) in {"Succeeded", "Failed"}, what=f"pod {name}", limit=120, pause=1)
    return on("cp-1", ["bash", "-c", f"{KUBECTL} logs {name}"])


def apply(thing: dict[str, Any]) -> None:
    """Makes it in the project vision."""
    on("cp-1", ["bash", "-c", f"{KUBECTL} apply -f - <<'END'\n{json.dumps(thing)}\nEND"])


def phase(pod: str) -> str:
    """The pod's."""
    return str(kubectl("get", "pod", pod, "-n", "vision")["status"]["phase"])


def claim(name: str, size: str) -> None:
    """A claim that names no class."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})
