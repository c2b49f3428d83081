"""The stand-in's way to the cluster that runs its jobs: the kubeconfig of the environment, in the form of sitectl's."""

import base64
import json
import re
import ssl
import tempfile
import urllib.error
import urllib.request

LABEL = "orchestra"
GPU = "nvidia.com/gpu"
IMAGES = {"cpu": "registry.k8s.io/busybox:1.36", "gpu": "registry.k8s.io/nvidia/cuda:13.0.1-base-ubuntu24.04"}
"""Of this registry, the lab's sites have a mirror."""
COMMANDS = {"cpu": "hostname; sleep 3", "gpu": "nvidia-smi -L; echo $NVIDIA_VISIBLE_DEVICES; sleep 3"}


class Cluster:
    """Jobs of Kubernetes in the kubeconfig's namespace, as its user."""

    def __init__(self, path: str) -> None:
        with open(path) as file:  # noqa: PTH123 - as plain as upstream's
            text = file.read()

        def value(key: str) -> str:
            found = re.search(rf"^\s*(?:- )?{key}: (\S+)$", text, re.MULTILINE)
            if not found:
                raise SystemExit(f"{path} has no {key}")
            return found[1].strip("\"'")

        def pem(key: str) -> str:
            return base64.b64decode(value(key)).decode()

        self.jobs_at = f"{value('server')}/apis/batch/v1/namespaces/{value('namespace')}/jobs"
        self.context = ssl.create_default_context(cadata=pem("certificate-authority-data"))
        with tempfile.NamedTemporaryFile("w") as own:
            own.write(pem("client-key-data") + pem("client-certificate-data"))
            own.flush()
            self.context.load_cert_chain(own.name)

    def start(self, job: str, node: str, device: str) -> None:
        """A Job on this node, with one GPU if its device is that. Raises SystemExit with the API server's words."""
        container = {"name": "job", "image": IMAGES[device], "command": ["sh", "-c", COMMANDS[device]]}
        if device == "gpu":
            container["resources"] = {"limits": {GPU: "1"}}
        pod = {"nodeSelector": {"kubernetes.io/hostname": node}, "restartPolicy": "Never", "containers": [container]}
        metadata = {"name": f"{LABEL}-{job}", "labels": {LABEL: job}}
        self._ask({"metadata": metadata, "spec": {"backoffLimit": 0, "template": {"spec": pod}}})

    def jobs(self) -> dict[str, bool]:
        """Orchestra's jobs that have a Job, and whether each has ended. Raises SystemExit as `start` does."""
        found = self._ask(None)["items"]
        ends = {"Complete", "Failed"}
        return {
            each["metadata"]["labels"][LABEL]: any(
                one["type"] in ends and one["status"] == "True" for one in each.get("status", {}).get("conditions", [])
            )
            for each in found
        }

    def _ask(self, body: object) -> dict:
        """The answer to a list, or to what is to be made."""
        query = f"?labelSelector={LABEL}" if body is None else ""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.jobs_at + query, data, {"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.context) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"the cluster refuses: {json.load(error).get('message', error.code)}") from None
