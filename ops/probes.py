"""What the site's parts need to be so in the cluster: pods that are available, values of objects, what nodes offer.

Rows: M3.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from components.gpu import pods
from components.hostrun.report import Check
from components.parts.part import Expected, Probe
from ops.in_cluster import Kubectl
from stacks import ground
from stacks.model import Site

Show = Callable[[str, str], Awaitable[str]]
"""`kubectl get WORDS -o jsonpath=PATH`."""

_SPREAD = ("Deployment", "apps/v1", ("status", "availableReplicas"), ("spec", "replicas"))
_KINDS = {
    "deployment": _SPREAD,
    "statefulset": ("StatefulSet", *_SPREAD[1:]),
    "daemonset": ("DaemonSet", "apps/v1", ("status", "numberAvailable"), ("status", "desiredNumberScheduled")),
    "job": ("Job", "batch/v1", ("status", "succeeded"), ("spec", "completions")),
}
"""By the kind of a probe: the object's kind and API, and where it has how many pods are well and how many are to be."""


def of(site: Site) -> Iterator[tuple[str, Probe | Expected]]:
    """Each probe, with the name of the entry that brings it."""
    for entry in site.entries:
        if half := entry.part.cluster:
            yield from ((entry.name, probe) for probe in half.probes(entry.config))
            yield from ((entry.name, value) for value in half.expected(entry.config))


@dataclass(frozen=True)
class Offer:
    """What a part promises of a host's node."""

    part: str
    host: str
    resource: str
    count: int

    def compared(self, allocatable: Mapping[str, str]) -> Check:
        """The check, given what the node has for pods."""
        seen = allocatable.get(self.resource, "0")
        check = Check(f"{self.part}/{self.resource}", self.host, "ok", f"{seen} for pods", str(self.count))
        if seen == str(self.count):
            return check
        fix = f"on a control plane: kubectl describe node {self.host}"
        if self.resource.startswith(pods.KINDS):
            fix += f"; on {self.host}: dmesg | grep -i -e nvrm -e xid"
        return replace(check, status="failed", saw=f"the node has {seen} for pods", fix=fix)


def offers(site: Site) -> Iterator[Offer]:
    """What each part promises, host by host."""
    return (Offer(entry.name, host, name, count) for entry, host, name, count in ground.offers(site))


async def counts(asked: Collection[Probe], kubectl: Kubectl) -> dict[Probe, str]:
    """By probe, `AVAILABLE/WANTED`, each empty where the object does not say it; nothing of one that is not there.

    All in one request, since most of the time of a question is a start of kubectl. Raises UnansweredError.
    """
    wanted = [
        {
            "apiVersion": _KINDS[probe.kind][1],
            "kind": _KINDS[probe.kind][0],
            "metadata": {"namespace": probe.namespace, "name": probe.name},
        }
        for probe in asked
    ]
    there = {
        (each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]): each
        for each in await kubectl.named(wanted)
    }
    found = {}
    for probe in asked:
        kind, _, available, to_be = _KINDS[probe.kind]
        if each := there.get((kind, probe.namespace, probe.name)):
            seen = [(each.get(part) or {}).get(key, "") for part, key in (available, to_be)]
            found[probe] = "/".join(map(str, seen))
    return found


async def value(where: str, name: str, probe: Expected, show: Show) -> Check:
    """A value, as the control plane `where` sees it."""
    seen = " ".join((await show(f"{probe.objects} --ignore-not-found", probe.path)).split())
    check = Check(f"{name}/{probe.name}", where, "ok", seen or "none")
    if seen == probe.want:
        return check
    saw = f"{probe.objects}: {probe.what} is {seen or 'none'}"
    return replace(check, status="failed", saw=saw, want=probe.want or "none", fix=probe.fix)


def workload(where: str, name: str, probe: Probe, text: str) -> Check:
    """A workload, by its `counts`; a daemonset that no node wants passes."""
    id_ = f"{name}/{probe.name}"
    place = f"{probe.kind} {probe.name} -n {probe.namespace}"
    available, _, wanted = text.partition("/")
    if not wanted:
        return Check(id_, where, "failed", f"there is no {place}.", fix="pulumi up --refresh")
    well = "done" if probe.kind == "job" else "available"
    if (available or "0") == wanted:
        return Check(id_, where, "ok", f"{wanted} {well}")
    saw = f"{place} has {available or 0} of {wanted} pods {well}."
    if probe.kind == "job":
        of = f"-n {probe.namespace} {{}} job {probe.name}"
        again = f"to run it again: kubectl {of.format('delete')}, then pulumi up --refresh"
        return Check(id_, where, "failed", saw, fix=f"there: kubectl {of.format('describe')}; {again}")
    return Check(id_, where, "failed", saw, fix=f"there: kubectl -n {probe.namespace} get pods -o wide")
