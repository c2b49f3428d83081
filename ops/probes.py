"""What the site's parts need to be so in the cluster: pods that are available, values of objects, what nodes offer.

Rows: M3.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from components.gpu import pods
from components.hostrun.report import Check
from components.parts.part import Expected, Probe
from stacks import ground
from stacks.model import Site

Kubectl = Callable[[str, str], Awaitable[str]]
"""`kubectl get WORDS -o jsonpath=PATH`."""

_SEEN = {
    "deployment": "{.status.availableReplicas}/{.spec.replicas}",
    "statefulset": "{.status.availableReplicas}/{.spec.replicas}",
    "daemonset": "{.status.numberAvailable}/{.status.desiredNumberScheduled}",
    "job": "{.status.succeeded}/{.spec.completions}",
}


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


async def ask(where: str, name: str, probe: Probe | Expected, kubectl: Kubectl) -> Check:
    """One of them, as the control plane `where` sees it."""
    if isinstance(probe, Expected):
        return await _value(where, name, probe, kubectl)
    return await _workload(where, name, probe, kubectl)


async def _value(where: str, name: str, probe: Expected, kubectl: Kubectl) -> Check:
    seen = " ".join((await kubectl(f"{probe.objects} --ignore-not-found", probe.path)).split())
    check = Check(f"{name}/{probe.name}", where, "ok", seen or "none")
    if seen == probe.want:
        return check
    saw = f"{probe.objects}: {probe.what} is {seen or 'none'}"
    return replace(check, status="failed", saw=saw, want=probe.want or "none", fix=probe.fix)


async def _workload(where: str, name: str, probe: Probe, kubectl: Kubectl) -> Check:
    """A daemonset that no node wants passes."""
    id_ = f"{name}/{probe.name}"
    place = f"{probe.kind} {probe.name} -n {probe.namespace}"
    text = await kubectl(f"{place} --ignore-not-found", _SEEN[probe.kind])
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
