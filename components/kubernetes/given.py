"""What the API server is given, from all keys of the site that decide it: arguments, files, volumes."""

import json
from collections.abc import Mapping
from typing import Any

from components.kubernetes import api_server, audit, cis, encryption, oidc
from components.kubernetes.api_server import ApiServerFile
from components.kubernetes.config import Kubernetes

_ADMISSION = "enable-admission-plugins"
_KUBEADM_ADMISSION = "NodeRestriction"

POLICY: ApiServerFile = "audit-policy-file"
CONFIGURATION: ApiServerFile = "authentication-config"


def files(kubernetes: Kubernetes) -> dict[str, str]:
    """The text of each file that an argument names. Reads the operator's files: raises OSError."""
    found: dict[str, str] = {name: path.read_text() for name, path in kubernetes.api_server_files.items()}
    if log := _audit(kubernetes):
        level = log.policy
        found[POLICY] = audit.policy(level) if isinstance(level, str) else level.read_text()
    if kubernetes.oidc:
        authority = kubernetes.oidc.ca_file.read_text() if kubernetes.oidc.ca_file else None
        if _configured(kubernetes):
            found[CONFIGURATION] = oidc.configuration(
                kubernetes.oidc, kubernetes.minor, authority, anonymous=_anonymous(kubernetes)
            )
        elif authority is not None:
            found[api_server.CERTIFICATE] = authority
    if CONFIGURATION not in found and (paths := _anonymous(kubernetes)):
        found[CONFIGURATION] = oidc.configuration(None, kubernetes.minor, None, anonymous=paths)
    return dict(sorted(found.items()))


def file_names(kubernetes: Kubernetes) -> list[ApiServerFile]:
    """The arguments that name one of `files`, without reading any."""
    found = {*kubernetes.api_server_files}
    if _audit(kubernetes):
        found.add(POLICY)
    if (kubernetes.oidc and _configured(kubernetes)) or _anonymous(kubernetes):
        found.add(CONFIGURATION)
    elif kubernetes.oidc and kubernetes.oidc.ca_file:
        found.add(api_server.CERTIFICATE)
    return sorted(found)


def wanted(kubernetes: Kubernetes) -> cis.Seen:
    """What the benchmark's items of the API server would see of what the site gives it."""
    found = {(cis.API, name): value for name, value in arguments(kubernetes).items()}
    if _anonymous(kubernetes):
        found[cis.API, cis.ANONYMOUS] = "yes"
    return cis.Seen(found, {})


def arguments(kubernetes: Kubernetes) -> dict[str, str]:
    """extraArgs sorted by name; NodeRestriction stays: kubeadm *replaces* its default by an argument of that name."""
    found = {api_server.PROMPT_EXIT: "true", **(cis.arguments() if kubernetes.profile else {}), **kubernetes.api_server}
    found.update({name: api_server.path(name) for name in file_names(kubernetes)})
    if kubernetes.encryption:
        found[encryption.ARGUMENT] = encryption.FILE
    if log := _audit(kubernetes):
        found |= audit.arguments(log)
    if kubernetes.oidc and not _configured(kubernetes):
        found |= oidc.arguments(kubernetes.oidc)
    plugins = [name for name in found.get(_ADMISSION, "").split(",") if name]
    if kubernetes.profile and cis.ADMISSION not in found.get("disable-admission-plugins", ""):
        plugins = [*(name for name in plugins if name != cis.ADMISSION), cis.ADMISSION]
    if plugins:
        names = [name for name in plugins if name != _KUBEADM_ADMISSION]
        found[_ADMISSION] = ",".join([_KUBEADM_ADMISSION, *names])
    return dict(sorted(found.items()))


def volumes(kubernetes: Kubernetes) -> list[dict[str, Any]]:
    """kubeadm's extraVolumes."""
    found = [*file_names(kubernetes), *([encryption.ARGUMENT] if kubernetes.encryption else [])]
    return api_server.volumes(found, arguments(kubernetes))


def volume_lines(kubernetes: Kubernetes) -> str:
    """The same for the step api_server, a line `NAME JSON` each, with the fields that it reads in their order there."""
    lines = []
    for each in volumes(kubernetes):
        fields = {key: each[key] for key in ("name", "hostPath", "mountPath", "readOnly", "pathType") if each[key]}
        lines.append(f"{each['name']} {json.dumps(fields, separators=(',', ':'))}\n")
    return "".join(lines)


def taken(kubernetes: Kubernetes) -> Mapping[str, str]:
    """Arguments that a key of its own decides: argument to key."""
    found: dict[str, str] = {}
    if kubernetes.encryption:
        found |= dict.fromkeys((encryption.ARGUMENT, f"{encryption.ARGUMENT}-automatic-reload"), "encryption")
    if kubernetes.audit:
        found |= dict.fromkeys((*audit.arguments(kubernetes.audit), POLICY), "audit")
    if kubernetes.oidc:
        names = (
            "client-id",
            "issuer-url",
            "ca-file",
            "username-claim",
            "username-prefix",
            "groups-claim",
            "groups-prefix",
        )
        others = (*(f"oidc-{name}" for name in names), "oidc-required-claim", "oidc-signing-algs", CONFIGURATION)
        found |= dict.fromkeys(others, "oidc")
    return found


def _audit(kubernetes: Kubernetes) -> audit.Audit | None:
    """The log that the site says, or the one that its profile asks for, where the site says nothing of one."""
    says = {POLICY} & {*kubernetes.api_server_files} or {"audit-log-path"} & {*kubernetes.api_server}
    return kubernetes.audit or (audit.Audit(policy="Metadata") if kubernetes.profile and not says else None)


def _anonymous(kubernetes: Kubernetes) -> tuple[str, ...]:
    """All that the API server answers those who do not sign in; empty if it is as Kubernetes has it."""
    own = CONFIGURATION in kubernetes.api_server_files
    return api_server.UNSIGNED if kubernetes.profile and not own and kubernetes.minor >= oidc.ANONYMOUS else ()


def _configured(kubernetes: Kubernetes) -> bool:
    return kubernetes.minor >= oidc.CONFIGURED
