"""Workloads of the site's parts in the cluster: are all their pods available?"""

from collections.abc import Awaitable, Callable, Iterator

from components.hostrun.report import Check
from components.parts.part import Probe
from stacks.model import Site

Kubectl = Callable[[str, str], Awaitable[str]]
"""`kubectl get WORDS -o jsonpath=PATH`."""

_SEEN = {
    "deployment": "{.status.availableReplicas}/{.spec.replicas}",
    "statefulset": "{.status.availableReplicas}/{.spec.replicas}",
    "daemonset": "{.status.numberAvailable}/{.status.desiredNumberScheduled}",
}


def of(site: Site) -> Iterator[tuple[str, Probe]]:
    """Each probe, with the name of the entry that brings it."""
    for entry in site.entries:
        if half := entry.part.cluster:
            yield from ((entry.name, probe) for probe in half.probes(entry.config))


async def ask(where: str, name: str, probe: Probe, kubectl: Kubectl) -> Check:
    """One workload, as the control plane `where` sees it. A daemonset that no node wants passes."""
    id_ = f"{name}/{probe.name}"
    place = f"{probe.kind} {probe.name} -n {probe.namespace}"
    text = await kubectl(f"{place} --ignore-not-found", _SEEN[probe.kind])
    available, _, wanted = text.partition("/")
    if not wanted:
        return Check(id_, where, "failed", f"there is no {place}.", fix="pulumi up --refresh")
    if (available or "0") == wanted:
        return Check(id_, where, "ok", f"{wanted} available")
    saw = f"{place} has {available or 0} of {wanted} pods available."
    return Check(id_, where, "failed", saw, fix=f"there: kubectl -n {probe.namespace} get pods -o wide")
