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


def volumes(files: Iterable[ApiServerFile], arguments: dict[str, str]) -> list[dict[str, Any]]:
    """kubeadm's extraVolumes for these files, and for the folder of the audit log."""
    found = []
    if list(files):
        found.append(_volume(VOLUMES[0], FOLDER, "Directory", read_only=True))
    if (log := arguments.get(LOG, "-")) != "-":
        found.append(_volume(VOLUMES[1], log.rpartition("/")[0], "DirectoryOrCreate", read_only=False))
    return found


def _volume(name: str, folder: str, kind: str, *, read_only: bool) -> dict[str, Any]:
    return {"name": name, "hostPath": folder, "mountPath": folder, "readOnly": read_only, "pathType": kind}
