"""Rules that no site may break, as pure functions over planned resources: the pack runs them, and so do the tests.

A rule reads inputs that are known at preview and names the key in its message, never a value: the engine hands
secrets to policies in the clear.

Rows: X3.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Props = Mapping[str, Any]
PROJECT = "gpu-metal/project"
"""Label of a project's namespace (components/tenancy)."""
REGISTRIES = "gpu-metal/registries"
"""Annotation of the site's admission policy: the registries of images in projects (components/tenancy/images.py)."""
_POLICY = ":ValidatingAdmissionPolicy"


@dataclass(frozen=True, slots=True)
class Planned:
    """A resource as it is planned: its type token, its name and its inputs."""

    type: str
    name: str
    props: Props


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of one resource; it yields each problem with its fix."""

    name: str
    description: str
    check: Callable[[Planned], Iterator[str]]


@dataclass(frozen=True, slots=True)
class StackRule:
    """A check of all resources together."""

    name: str
    description: str
    check: Callable[[Iterable[Planned]], Iterator[str]]


def _host_key(planned: Planned) -> Iterator[str]:
    if not planned.type.startswith("command:remote:"):
        return
    connection = planned.props.get("connection") or {}
    if not connection.get("hostKey"):
        yield "connection.hostKey is missing, so any host could answer. Fix: sitectl scan, and commit known_hosts."
    if (proxy := connection.get("proxy")) and not proxy.get("hostKey"):
        yield "connection.proxy.hostKey is missing. Fix: sitectl scan the bastion, and commit known_hosts."


_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b[a-z0-9]{6}\.[a-z0-9]{16}\b"  # a kubeadm bootstrap token
    r"|(?i:password|passwd|secret|token|certificate-?key)\s*[=:]\s*(?!(yes|no)(?!\S))\S",  # yes, no: whether it is set
)


def _literal_secret(planned: Planned) -> Iterator[str]:
    if planned.type.startswith("command:"):
        for key in ("create", "update", "delete"):
            if _SECRET_TEXT.search(str(planned.props.get(key) or "")):
                yield f"{key} looks as if it had a secret in it; a command line is public. Fix: send it by stdin."
        if planned.props.get("environment"):
            yield "environment is public on the host and needs AcceptEnv. Fix: send it by stdin."
    if planned.type == "kubernetes:core/v1:ConfigMap":
        for key, text in (planned.props.get("data") or {}).items():
            if _SECRET_TEXT.search(str(text)):
                yield f"data.{key} looks like a secret. Fix: use a Secret."


_EXACT = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?")


def _pinned(planned: Planned) -> Iterator[str]:
    if planned.type == "kubernetes:helm.sh/v3:Release" and not _EXACT.fullmatch(str(planned.props.get("version", ""))):
        yield "version of the chart is not exact. Fix: name it in full, for example 1.2.3."
    for image in _images(planned.props):
        tag = image.rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in image and tag in ("", "latest"):
            yield f"image {image} is not pinned. Fix: give it a tag other than latest, or a digest."
    if planned.type == "command:remote:Command":
        for package in _packages(str(planned.props.get("create") or "")):
            if package in ("kubeadm", "kubelet", "kubectl"):
                yield f"package {package} has no version. Fix: set kubernetes.version."


def _packages(create: str) -> Iterator[str]:
    """What the steps of a layer install, `name` or `name=version`."""
    for word in shlex.split(create):
        if word.startswith("names="):
            yield from word.removeprefix("names=").split()


def _images(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "image" and isinstance(inner, str):
                yield _whole(inner, value)
            else:
                yield from _images(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _images(inner)


def _whole(image: str, around: Mapping[str, Any]) -> str:
    """The image, where its registry and its tag may stand beside it, as in objects of NVIDIA's operators."""
    beside = around.get("repository"), around.get("version")
    return f"{beside[0]}/{image}:{beside[1]}" if all(isinstance(each, str) and each for each in beside) else image


def _namespace_of(planned: Planned) -> tuple[str, Mapping[str, str]]:
    metadata = planned.props.get("metadata") or {}
    return str(metadata.get("name", "")), metadata.get("labels") or {}


def _project_privileges(planned: Planned) -> Iterator[str]:
    if planned.type == "kubernetes:core/v1:Namespace":
        name, labels = _namespace_of(planned)
        level = labels.get("pod-security.kubernetes.io/enforce")
        if PROJECT in labels and level not in ("baseline", "restricted"):
            yield f"project {name} may run privileged pods. Fix: projects.{name}.podSecurity: baseline."
    if planned.type == "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding":
        role = (planned.props.get("roleRef") or {}).get("name")
        if role in ("cluster-admin", "admin"):
            yield f"role {role} is bound in a namespace; projects get edit. Fix: bind edit or view."


def _quotas(stack: Iterable[Planned]) -> Iterator[str]:
    planned = list(stack)
    with_quota = {
        str((p.props.get("metadata") or {}).get("namespace", ""))
        for p in planned
        if p.type == "kubernetes:core/v1:ResourceQuota" and not (p.props.get("spec") or {}).get("scopeSelector")
    }
    for p in planned:
        if p.type == "kubernetes:core/v1:Namespace":
            name, labels = _namespace_of(p)
            if PROJECT in labels and name not in with_quota:
                yield f"project {name} has no ResourceQuota. Fix: make one in it, or take the label {PROJECT} away."


def _workloads(stack: Iterable[Planned]) -> Iterator[str]:
    """What the plan runs in a project's namespace is bounded like the pods of its members."""
    planned = list(stack)
    allowed = _allowed(planned)
    namespaces = [_namespace_of(p) for p in planned if p.type == "kubernetes:core/v1:Namespace"]
    projects = {name for name, labels in namespaces if PROJECT in labels}
    for p in planned:
        namespace = (p.props.get("metadata") or {}).get("namespace")
        if namespace in projects and (pod := _pod(p)) is not None:
            yield from (
                f"{p.name} in project {namespace}: {text}" for text in (*unbounded(pod), *foreign(pod, allowed))
            )


_TEMPLATES = {
    "Pod": (),
    "CronJob": ("jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job"), ("template", "spec")),
}
"""Where the pod's spec is in that of its owner, by kind."""


def _pod(planned: Planned) -> Mapping[str, Any] | None:
    group, _, kind = planned.type.rpartition(":")
    if not group.startswith("kubernetes:") or kind not in _TEMPLATES:
        return None
    spec = planned.props.get("spec")
    for key in _TEMPLATES[kind]:
        spec = (spec or {}).get(key)
    return spec or {}


def _allowed(planned: Iterable[Planned]) -> list[str]:
    """The registries that the site's own admission policy names (components/tenancy/images.py)."""
    notes = ((p.props.get("metadata") or {}).get("annotations") or {} for p in planned if p.type.endswith(_POLICY))
    return next((str(each[REGISTRIES]).split() for each in notes if REGISTRIES in each), [])


def foreign(pod: Mapping[str, Any], allowed: Sequence[str]) -> Iterator[str]:
    """The images of a pod's spec that are of no allowed registry; none if any is allowed."""
    for where, image in _images_of_pod(pod) if allowed else ():
        if not any(_of_registry(image).startswith(f"{each}/") for each in allowed):
            text = f"{where} has image {image}, which is of none of allowedRegistries"
            yield f"{text}. Fix: take one of {', '.join(allowed)}, or add its registry to that list."


def _images_of_pod(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What has an image, and the image; volumes can be images, too."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in pod.get(kind) or ():
            yield f"container {container.get('name')}", str(container.get("image"))
    for volume in pod.get("volumes") or ():
        if reference := (volume.get("image") or {}).get("reference"):
            yield f"volume {volume.get('name')}", str(reference)


def _of_registry(image: str) -> str:
    """The image with its registry, as containerd reads it; a digest alone is of none (components/tenancy/images.py)."""
    first, slash, _ = image.partition("/")
    if image.startswith("sha256:"):
        return image
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def unbounded(pod: Mapping[str, Any]) -> Iterator[str]:
    """What the spec of a pod has that reaches past the pod, or takes of its node what it does not say."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield f"{key} shares the host with its pods. Fix: take it away."
    for volume in pod.get("volumes") or ():
        if volume.get("hostPath"):
            yield f"volume {volume.get('name')} is a hostPath. Fix: use a claim."
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        name = container.get("name")
        if (container.get("securityContext") or {}).get("privileged"):
            yield f"container {name} is privileged. Fix: take it away."
        requests = (container.get("resources") or {}).get("requests") or {}
        if lacking := [what for what in ("cpu", "memory") if what not in requests]:
            yield f"container {name} requests no {' and no '.join(lacking)}. Fix: write resources.requests."


RULES = (
    Rule("host-key-pinned", "Every SSH connection names the key of its host.", _host_key),
    Rule("no-literal-secret", "No command line or ConfigMap contains a secret.", _literal_secret),
    Rule("versions-pinned", "Charts, images and Kubernetes packages are pinned.", _pinned),
    Rule("projects-unprivileged", "Projects run no privileged pods and bind no admin role.", _project_privileges),
)

STACK_RULES = (
    StackRule("projects-have-quotas", "Every project's namespace has a quota.", _quotas),
    StackRule(
        "projects-share-no-host",
        "In projects: no hostPath, no privileged container, requests set, images of allowedRegistries.",
        _workloads,
    ),
)
