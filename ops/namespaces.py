"""What is in a project's namespace, and why it does not end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.tenancy.namespace import SCRIPT
from ops.in_cluster import Kubectl

LABELS = ("gpu-metal/project", "gpu-metal/tenant")
"""Of the namespaces that a site made; the second one is that of an earlier version."""
CLAIM = "PersistentVolumeClaim"
SNAPSHOT = "VolumeSnapshot"
OWN = {
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
    *((kind, "project") for kind in ("ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding")),
    ("ResourceQuota", "no-system-priority"),
    *((kind, "tenant") for kind in ("ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding")),
}
"""Kind and name of what Kubernetes and `pulumi up` put into each namespace: it goes with the namespace only."""
_PASSING = {"Event", "EndpointSlice", "Endpoints", "PodMetrics", "Lease", "ControllerRevision"}
"""Kinds that come and go with others."""
# Only what is read: whole objects of a large namespace do not fit into one answer.
_COLUMNS = "custom-columns=A:.apiVersion,K:.kind,N:.metadata.name,O:.metadata.ownerReferences[0].kind"


@dataclass(frozen=True)
class Claim:
    """A volume claim and its volume."""

    name: str
    size: str
    volume: str
    policy: str
    """What becomes of the volume when the claim goes: Delete or Retain; empty where there is no volume."""
    owner: str = ""
    """Kind and name of what Kubernetes takes the claim away with."""

    def __str__(self) -> str:
        where = f" on volume {self.volume} ({self.policy})" if self.volume else ", without a volume"
        return f"claim {self.name}, {self.size}{where}"


@dataclass(frozen=True)
class Inside:
    """The contents of a namespace."""

    objects: Sequence[Mapping[str, str]] = ()
    """What people made: apiVersion, kind and name."""
    claims: Sequence[Claim] = ()
    """Without those of single pods, which are scratch space and go with the pod."""
    snapshots: Sequence[str] = ()
    """Names of snapshots of volumes."""
    pods: Sequence[str] = field(default=())
    """Names of pods that run."""

    @property
    def data(self) -> list[str]:
        """What has data of people: it goes by `--data` only."""
        return [*map(str, self.claims), *(f"snapshot {name}" for name in self.snapshots)]

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
    made = [each for key, each in own.items() if key not in OWN and key[0] not in {*_PASSING, CLAIM, SNAPSHOT}]
    snapshots = [each["name"] for each in kinds if each["kind"] == SNAPSHOT]
    ended = "status.phase!=Succeeded,status.phase!=Failed"
    pods = (await kubectl.run("get", "pods", "-n", name, "--field-selector", ended, "-o", "name")).split()
    return Inside(made, await _claims(kubectl, name), snapshots, pods)


async def _claims(kubectl: Kubectl, name: str) -> list[Claim]:
    found = []
    for claim in await kubectl.items("persistentvolumeclaims", "-n", name):
        owner = (claim["metadata"].get("ownerReferences") or [{}])[0]
        if owner.get("kind") == "Pod":
            continue
        volume = claim["spec"].get("volumeName", "")
        there = await kubectl.get("persistentvolume", volume) if volume else None
        policy = there["spec"].get("persistentVolumeReclaimPolicy", "Delete") if there else ""
        size = claim["spec"]["resources"]["requests"]["storage"]
        of = f"{owner['kind']} {owner['name']}" if owner else ""
        found.append(Claim(claim["metadata"]["name"], size, volume, policy, of))
    return found


async def why_it_stays(kubectl: Kubectl, name: str) -> list[str]:
    """Why a namespace that was deleted does not end: what Kubernetes says, and pods on nodes that are away."""
    lines = (await kubectl.bash(SCRIPT, name)).splitlines()[1:]
    return lines or ["Kubernetes does not say what holds it"]
