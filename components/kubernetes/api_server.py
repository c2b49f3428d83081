"""Arguments of the API server that name files: which the site may bring, and where hosts have them. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Literal

ApiServerFile = Literal[
    "admission-control-config-file",
    "audit-policy-file",
    "authentication-config",
    "authorization-config",
    "egress-selector-config-file",
    "oidc-ca-file",
    "tracing-config-file",
]

CERTIFICATE: ApiServerFile = "oidc-ca-file"

KINDS: dict[ApiServerFile, str] = {
    "admission-control-config-file": "AdmissionConfiguration",
    "audit-policy-file": "Policy",
    "authentication-config": "AuthenticationConfiguration",
    "authorization-config": "AuthorizationConfiguration",
    "egress-selector-config-file": "EgressSelectorConfiguration",
    "tracing-config-file": "TracingConfiguration",
}
"""The `kind` of each that is YAML.
https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/"""

FOLDER = "/etc/kubernetes/gpu-metal/api-server"
"""On every control plane, and in the API server's pod."""

VOLUMES = ("gpu-metal-files", "gpu-metal-audit-log")
"""Names of the pod's volumes that are ours: steps/api_server.sh leaves all others alone."""

LOG = "audit-log-path"
_LOG_FORM = re.compile(r"/var/log/(?!\.)[\w.-]+(/(?!\.)[\w.-]+)+")

MOUNTED = (
    "/etc/ca-certificates/",
    "/etc/kubernetes/pki/",
    "/etc/pki/",
    "/etc/ssl/certs/",
    "/usr/local/share/ca-certificates/",
    "/usr/share/ca-certificates/",
)
"""Folders of the host that kubeadm mounts into the API server's pod, where they exist
(cmd/kubeadm/app/phases/controlplane/volumes.go)."""

PROMPT_EXIT = "shutdown-send-retry-after"
"""With it an API server that ends answers 429 with Retry-After while it finishes what was asked, and is gone 2 s later.
Without it watches keep the process for 60 s, in which nobody connects (ShutdownSendRetryAfter, in
staging/src/k8s.io/apiserver/pkg/server/genericapiserver.go; measured on 1.34.2 with one watch: 60.1 s and 2.1 s)."""

FALSE = ("false", "f", "0")
"""What an argument of the API server takes for false, in small letters (strconv.ParseBool)."""

PROBES = ("/livez", "/readyz")
"""What the kubelet asks the API server that kubeadm makes, without signing in."""
CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
"""What a host that joins by a token reads first, without signing in (cmd/kubeadm/app/discovery/token)."""

UNSIGNED = (*PROBES, "/healthz", CLUSTER_INFO)
"""All that is to be answered without signing in; load balancers ask for /healthz."""

_NAMES_A_FILE = re.compile(r"(file|config|cert-dir|certificate-authority|client-certificate|client-key)$")


def path(name: ApiServerFile) -> str:
    """Where the argument's file is."""
    return f"{FOLDER}/{name}"


def wrong(name: str, value: str) -> str | None:
    """What is wrong with an argument that names a file which the API server's pod does not see."""
    if name in KINDS or name == CERTIFICATE:
        return f"names a file, and the API server's pod has none of yours. Write apiServerFiles: {{{name}: FILE}}."
    if name == LOG:
        good = value == "-" or _LOG_FORM.fullmatch(value)
        return None if good else 'is not in a folder of its own. Write "/var/log/NAME/FILE", or "-" for the pod\'s log.'
    if not _NAMES_A_FILE.search(name) or not value.startswith("/") or value.startswith(MOUNTED):
        return None
    return f"is not in the API server's pod. Put it below {MOUNTED[1]} of every control plane, and name that path."


def locks_out(name: ApiServerFile, found: dict[str, Any]) -> str | None:
    """Whom the cluster needs and a configuration, read from YAML, keeps out; None if nobody."""
    if name == "authentication-config" and isinstance(anonymous := found.get("anonymous"), dict):
        paths = [each.get("path") for each in anonymous.get("conditions") or [] if isinstance(each, dict)]
        absent = [path for path in (*PROBES, CLUSTER_INFO) if paths and path not in paths]
        if not anonymous.get("enabled"):
            return f"has anonymous: {{enabled: false}}, which stops {_ANONYMOUS}. Take anonymous away."
        if absent:
            without = ", ".join(absent)
            return f"has anonymous.conditions without {without}, which stops {_ANONYMOUS}. Add each as path."
    if name == "authorization-config":
        there = [each.get("type") for each in found.get("authorizers") or [] if isinstance(each, dict)]
        if absent := [kind for kind in ("Node", "RBAC") if kind not in there]:
            return f"has no authorizer of type {absent[0]}, which kubelets and administrators need. Add {absent[0]}."
    return None


_ANONYMOUS = "the probes of the API server and every join by token"


def volumes(files: Iterable[str], arguments: dict[str, str]) -> list[dict[str, Any]]:
    """kubeadm's extraVolumes for these files, and for the folder of the audit log."""
    found = []
    if list(files):
        found.append(_volume(VOLUMES[0], FOLDER, "Directory", read_only=True))
    if (log := arguments.get(LOG, "-")) != "-":
        found.append(_volume(VOLUMES[1], log.rpartition("/")[0], "DirectoryOrCreate", read_only=False))
    return found


def _volume(name: str, folder: str, kind: str, *, read_only: bool) -> dict[str, Any]:
    return {"name": name, "hostPath": folder, "mountPath": folder, "readOnly": read_only, "pathType": kind}
