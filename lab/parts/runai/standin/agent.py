"""The cluster's side: registers, reports every second, and makes of each project what Run:ai makes of it.

RUNAI_VERSION, RUNAI_URL, RUNAI_CLUSTER, RUNAI_GPU_NAMESPACE; RUNAI_CLIENT_SECRET (2.x) or RUNAI_BOOTSTRAP_TOKEN (3.x);
RUNAI_CA, the authority of the control plane's certificate, if it is not a public one.
"""

import base64
import hashlib
import http.client
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from lab.kube import Body, Kube, KubeError

_CORE, _RBAC, _RUNAI = "/api/v1", "/apis/rbac.authorization.k8s.io/v1", "/apis/run.ai/v1"
_SECRETS, _CREDENTIAL = f"{_CORE}/namespaces/runai/secrets", "runai-cluster-credential"
_MANAGED = "run.ai/managed-by-stand-in"
PROMETHEUS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/prometheuses.monitoring.coreos.com"
_KINDS = {"user": "User", "app": "User", "service-account": "User", "group": "Group"}


class ControlPlaneError(Exception):
    """The control plane refuses a call, or does not answer."""


@dataclass
class Agent:
    """One cluster's agent."""

    kube: Kube
    url: str
    uid: str
    version: str
    gpu_namespace: str = "gpu-operator"
    client_secret: str = ""
    bootstrap_token: str = ""
    authority: str | None = None
    gone: list[str] = field(default_factory=list)
    """Projects whose objects are removed, which the control plane does not know yet."""
    phases: dict[str, str] = field(default_factory=dict)
    _token: str = ""

    def once(self) -> bool:
        """Reports, and does what the answer wants; False when the cluster was removed. Raises both errors."""
        report = {"version": self.version, "missing": self.missing(), "nodes": self.nodes()}
        answer = self._post("sync", {**report, "phases": self.phases, "gone": self.gone})
        self.gone = []
        if answer["removed"]:
            self._post("sync", {"version": self.version, "removed": True})
            self.kube.remove(f"{_SECRETS}/{_CREDENTIAL}")
            return False
        config = (self.kube.get(f"{_RUNAI}/namespaces/runai/runaiconfigs/runai") or {}).get("spec", {})
        pools = {pool["id"]: pool for pool in answer["nodePools"]}
        for project in answer["projects"]:
            self._project(project, pools, config.get("project-controller", {}))
        return True

    def missing(self) -> list[str]:
        """Which prerequisites are not there, as the control plane shows them."""
        wants = {"Prometheus": PROMETHEUS, "NVIDIA GPU Operator": f"{_CORE}/namespaces/{self.gpu_namespace}"}
        return [name for name, path in wants.items() if self.kube.get(path) is None]

    def nodes(self) -> list[Body]:
        """The nodes as the control plane shows them."""
        shown = []
        for node in self.kube.items(f"{_CORE}/nodes"):
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))
            gpus = int(node["status"].get("allocatable", {}).get("nvidia.com/gpu", "0"))
            labels = node["metadata"].get("labels", {})
            roles = sorted(key.partition("/")[2] for key in labels if key.startswith("node-role.kubernetes.io/runai-"))
            shown.append(
                {
                    "id": node["metadata"]["uid"],
                    "name": node["metadata"]["name"],
                    "status": "Ready" if ready else "NotReady",
                    "gpuInfo": {"gpuType": labels.get("nvidia.com/gpu.product", ""), "gpuCount": gpus},
                    "taints": node["spec"].get("taints", []),
                    "roles": [role for role in roles if labels[f"node-role.kubernetes.io/{role}"] != "false"],
                }
            )
        return shown

    def _project(self, project: Body, pools: dict[str, Body], settings: Body) -> None:
        name, namespace = project["name"], project["status"]["namespace"]
        if project["status"]["phase"] == "Deleting":  # its namespace stays
            self._bind(namespace, [])
            self.kube.remove(f"{_RUNAI}/projects/{name}")
            self.gone.append(project["id"])
            self.phases.pop(project["id"], None)
            return
        found = self.kube.get(f"{_CORE}/namespaces/{namespace}")
        labels = {"runai/queue": name}
        if settings.get("createNamespaces", True) and (found is None or _queue(found) in (None, name)):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
            self.kube.ensure(f"{_CORE}/namespaces", body)
            found = body
        ready = found is not None and _queue(found) == name
        self.phases[project["id"]] = "Ready" if ready else "NotReady"
        shares = [{**item, "nodePool": pools[item["nodePool"]["id"]]} for item in project["resources"]]
        spec = {"id": project["id"], "namespace": namespace, "pools": shares, "defaults": project["defaultNodePools"]}
        body = {"apiVersion": "run.ai/v1", "kind": "Project", "metadata": {"name": name}, "spec": spec}
        self.kube.ensure(f"{_RUNAI}/projects", body)
        if ready and settings.get("CreateRoleBindings", True):
            self._bind(namespace, project["rules"])

    def _bind(self, namespace: str, rules: list[Body]) -> None:
        """Makes a role binding for each rule, and removes ours that no rule has any more."""
        collection = f"{_RBAC}/namespaces/{namespace}/rolebindings"
        wanted = dict(_binding(rule) for rule in rules)
        for found in self.kube.items(collection, _MANAGED):
            if found["metadata"]["name"] not in wanted:
                self.kube.remove(f"{collection}/{found['metadata']['name']}")
        for body in wanted.values():
            self.kube.ensure(collection, body)

    def _post(self, verb: str, body: Body) -> Body:
        """A call of ours to the control plane, with a token that is renewed once. Raises ControlPlaneError."""
        for _ in range(2):
            if not self._token:
                self._token = self._new_token()
            status, answer = self._send(f"/stand-in/clusters/{self.uid}/{verb}", body, self._token)
            if status < 300:
                return answer
            self._token = ""
            if status != 401:
                break
        raise ControlPlaneError(f"{self.url} answers {status}: {answer.get('message')}")

    def _new_token(self) -> str:
        client, secret = self._credential()
        wanted = {"grantType": "client_credentials", "clientID": client, "clientSecret": secret}
        status, answer = self._send("/api/v1/token", wanted, "")
        if status >= 300:
            if self.bootstrap_token:  # that of a cluster that is gone: the next try registers anew
                self.kube.remove(f"{_SECRETS}/{_CREDENTIAL}")
            raise ControlPlaneError(f"{self.url} refuses the cluster's credential: {answer.get('details')}")
        return str(answer["accessToken"])

    def _credential(self) -> tuple[str, str]:
        """The client secret of the chart (2.x), or the one that the bootstrap token was exchanged for (3.x)."""
        if self.client_secret:
            return f"cluster-{self.uid}", self.client_secret
        kept = self.kube.get(f"{_SECRETS}/{_CREDENTIAL}")
        if kept and base64.b64decode(kept["data"]["clusterId"]).decode() == self.uid:
            return f"cluster-{self.uid}", base64.b64decode(kept["data"]["clientSecret"]).decode()
        status, answer = self._send(f"/stand-in/clusters/{self.uid}/register", {}, self.bootstrap_token)
        if status >= 300:
            raise ControlPlaneError(f"{self.url} refuses the bootstrap token: {answer.get('message')}")
        data = {"clusterId": self.uid, "clientSecret": answer["clientSecret"]}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _CREDENTIAL}, "stringData": data}
        self.kube.ensure(_SECRETS, body)
        return answer["clientId"], answer["clientSecret"]

    def _send(self, path: str, body: Body, token: str) -> tuple[int, Body]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method="POST")  # noqa: S310
        context = ssl.create_default_context(cafile=self.authority) if self.url.startswith("https:") else None
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, _refusal(error)
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneError(f"{self.url} does not answer: {error}") from error


def _refusal(error: urllib.error.HTTPError) -> Body:
    text = error.read().decode(errors="replace")
    try:
        answer: Any = json.loads(text)
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {"message": text[:200]}


def _queue(namespace: Body) -> str | None:
    found: str | None = namespace["metadata"].get("labels", {}).get("runai/queue")
    return found


def _binding(rule: Body) -> tuple[str, Body]:
    """A role binding for what a subject may do in a project."""
    key = hashlib.sha256(f"{rule['kind']}/{rule['subject']}".encode()).hexdigest()[:10]
    name, group = f"runai-{rule['role']}-{key}", "rbac.authorization.k8s.io"
    body = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "labels": {_MANAGED: "true"}},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": f"runai-project-{rule['role']}"},
        "subjects": [{"apiGroup": group, "kind": _KINDS[rule["kind"]], "name": rule["subject"]}],
    }
    return name, body


def main() -> None:
    """Works until it is ended."""
    env = os.environ
    url = env["RUNAI_URL"] if "://" in env["RUNAI_URL"] else f"https://{env['RUNAI_URL']}"
    agent = Agent(
        *(Kube.inside(), url.rstrip("/"), env["RUNAI_CLUSTER"], env["RUNAI_VERSION"], env["RUNAI_GPU_NAMESPACE"]),
        *(env.get("RUNAI_CLIENT_SECRET", ""), env.get("RUNAI_BOOTSTRAP_TOKEN", ""), env.get("RUNAI_CA")),
    )
    said = ""
    while True:
        try:
            now = "in step with the control plane" if agent.once() else "the cluster was removed"
        except (ControlPlaneError, KubeError) as error:
            now = str(error)
        if now != said:
            sys.stderr.write(f"{now}\n")
        said = now
        time.sleep(1)


if __name__ == "__main__":
    main()
