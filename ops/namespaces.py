"""What is in a project's namespace, who it lets in, and why it does not end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.in_cluster import Kubectl

LABELS = ("gpu-metal/project", "gpu-metal/tenant")
"""Of the namespaces that a site made; the second one is that of an earlier version."""
CLAIM = "PersistentVolumeClaim"
OWN = {
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
    *((kind, "project") for kind in ("ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding")),
    *((kind, "tenant") for kind in ("ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding")),
}
"""Kind and name of what Kubernetes and `pulumi up` put into each namespace: it goes with the namespace only."""
_PASSING = {"Event", "EndpointSlice", "Endpoints", "PodMetrics", "Lease", "ControllerRevision"}
"""Kinds that come and go with others."""
# Only what is read: whole nodes and pods of a large cluster do not fit into one answer.
_NODES = r'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'
_PODS = r'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{"\n"}{end}'
_COLUMNS = "custom-columns=A:.apiVersion,K:.kind,N:.metadata.name,O:.metadata.ownerReferences[0].kind"


@dataclass(frozen=True)
class Claim:
    """A volume claim and its volume."""

    name: str
    size: str
    volume: str
    policy: str
    """What becomes of the volume when the claim goes: Delete or Retain; empty where there is no volume."""

    def __str__(self) -> str:
        where = f" on volume {self.volume} ({self.policy})" if self.volume else ", without a volume"
        return f"claim {self.name}, {self.size}{where}"


@dataclass(frozen=True)
class Inside:
    """The contents of a namespace."""

    objects: Sequence[Mapping[str, str]] = ()
    """What people made: apiVersion, kind and name."""
    claims: Sequence[Claim] = ()
    pods: Sequence[str] = field(default=())
    """Names of pods that run."""

    def by_kind(self) -> list[str]:
        """`2 Deployment: api, web`, a line for each kind."""
        names: dict[str, list[str]] = defaultdict(list)
        for each in self.objects:
            names[each["kind"]].append(each["name"])
        shown = {kind: ", ".join(found[:5]) + (" …" if len(found) > 5 else "") for kind, found in names.items()}
        return [f"{len(names[kind])} {kind}: {text}" for kind, text in sorted(shown.items())]


def ours(namespace: Mapping[str, Any]) -> bool:
    """Whether the namespace was made for a project."""
    labels = namespace["metadata"].get("labels") or {}
    return any(labels.get(label) == "true" for label in LABELS)


async def look(kubectl: Kubectl, name: str) -> Inside:
    """What people have in the namespace. Raises Stop: also where an API of the cluster does not answer."""
    types = (await kubectl.run("api-resources", "--namespaced", "--verbs=list,delete", "-o", "name")).split()
    words = ("-n", name, "--ignore-not-found", "--no-headers", "-o", _COLUMNS)
    rows = [line.split() for line in (await kubectl.run("get", ",".join(types), *words)).splitlines()]
    kinds = [dict(zip(("apiVersion", "kind", "name", "owner"), row, strict=True)) for row in rows]
    own = {(each["kind"], each["name"]): each for each in kinds if each["owner"] == "<none>"}  # one API of several
    made = [each for key, each in own.items() if key not in OWN and key[0] not in _PASSING and key[0] != CLAIM]
    ended = "status.phase!=Succeeded,status.phase!=Failed"
    pods = (await kubectl.run("get", "pods", "-n", name, "--field-selector", ended, "-o", "name")).split()
    return Inside(made, await _claims(kubectl, name), pods)


async def _claims(kubectl: Kubectl, name: str) -> list[Claim]:
    found = []
    for claim in await kubectl.items("persistentvolumeclaims", "-n", name):
        volume = claim["spec"].get("volumeName", "")
        there = await kubectl.get("persistentvolume", volume) if volume else None
        policy = there["spec"].get("persistentVolumeReclaimPolicy", "Delete") if there else ""
        size = claim["spec"]["resources"]["requests"]["storage"]
        found.append(Claim(claim["metadata"]["name"], size, volume, policy))
    return found


async def why_it_stays(kubectl: Kubectl, namespace: Mapping[str, Any]) -> list[str]:
    """Why a namespace that was deleted does not end: what Kubernetes says, and pods on nodes that are away."""
    name = namespace["metadata"]["name"]
    conditions = namespace.get("status", {}).get("conditions") or ()
    said = [each["message"] for each in conditions if each["status"] == "True" and each.get("message")]
    nodes = await kubectl.run("get", "nodes", "-o", _NODES)
    ready = {line.split()[0] for line in nodes.splitlines() if line.endswith(" True")}
    for line in (await kubectl.run("get", "pods", "-n", name, "-o", _PODS)).splitlines():
        pod, _, node = line.partition(" ")
        if node and node not in ready:
            fix = f"Fix: bring {node} back, or write hosts.{node}.state: gone, then pulumi up"
            said.append(f"pod {pod} is on {node}, which does not answer. {fix}")
    return said or ["Kubernetes does not say what holds it."]
