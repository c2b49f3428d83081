"""GPUs of the lab's site as its users meet them: in pods, on nodes, in `sitectl verify`."""

import json
import subprocess
from pathlib import Path
from typing import Any

from lab.parts.gpu_operator.depot import CUDA
from lab.paths import TOOLS_BIN
from tests.lab.cluster import kubectl
from tests.lab.stack import Stack, on, until

GPU = "nvidia.com/gpu"
IMAGE = f"registry.k8s.io/{CUDA}"
"""The engine of the lab's site takes this registry's images from the depot."""


def of_site() -> dict[str, Any]:
    """The part's lines: the lab's chart, and its images under the upstream's names."""
    return {
        "repository": "http://10.213.77.1:8080/charts",
        "images": "registry.k8s.io",
        "smoke": {"image": IMAGE, "gpus": 2},
    }


def offered(host: str) -> int:
    """How many GPUs the node has for pods."""
    return int(kubectl("get", "node", host)["status"]["allocatable"].get(GPU, "0"))


def comes_to_offer(host: str, count: int) -> None:
    """Waits until the node has so many GPUs for pods."""
    until(lambda: offered(host) == count, what=f"{host} offers {count} GPUs", limit=120, pause=1)


def pod(name: str, gpus: int, namespace: str, kubeconfig: Path) -> str:
    """A pod of a user that asks for GPUs, prints what it was given, and ends; returns what the API server said."""
    script = "nvidia-smi -L; echo told $NVIDIA_VISIBLE_DEVICES"
    spec = {
        "restartPolicy": "Never",
        "tolerations": [{"key": GPU, "operator": "Exists"}],
        "containers": [
            {
                "name": "cuda",
                "image": IMAGE,
                "command": ["sh", "-c", script],
                "resources": {"limits": {GPU: str(gpus)}},
            }
        ],
    }
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}
    words = [str(TOOLS_BIN / "kubectl"), "--kubeconfig", str(kubeconfig), "create", "-f", "-"]
    done = subprocess.run(words, input=json.dumps(made), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def said_by(name: str, namespace: str) -> list[str]:
    """What a pod printed, once it has ended well."""

    def ended() -> bool:
        return bool(kubectl("get", "pod", name, "-n", namespace)["status"]["phase"] == "Succeeded")

    until(ended, what=f"pod {name} ends", limit=120, pause=1)
    words = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "logs", name, "-n", namespace]
    return on("cp-1", words).splitlines()


def uuids(host: str) -> list[str]:
    """Those that nvidia-smi shows on the host."""
    return on(host, ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]).split()


def unplug(host: str, index: int) -> None:
    """The GPU's device file is gone, as when a card falls off the bus."""
    on(host, ["rm", f"/dev/nvidia{index}"])


def plug(host: str, index: int) -> None:
    """It is back."""
    on(host, ["mknod", "-m", "0666", f"/dev/nvidia{index}", "c", "195", str(index)])


def verdict(stack: Stack) -> dict[str, tuple[str, str]]:
    """Status and what was seen, of each check of the part."""
    checks = json.loads(stack.sitectl("verify", "-o", "json").out)["checks"]
    return {each["id"]: (each["status"], each["saw"]) for each in checks if each["id"].startswith("gpu-operator/")}
