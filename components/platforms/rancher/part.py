"""Rancher as a part (docs/parts/rancher/how-to.md)."""

from components.parts.part import ClusterPart, Part, Probe
from components.platforms.rancher import checks, checks_people, people, places, samples
from components.platforms.rancher.config import Rancher

PART: Part[Rancher] = Part(
    config=Rancher,
    checks=checks.checks,
    notes=checks_people.notes,
    names=checks_people.names,
    needs=frozenset({"ingress"}),
    uses=frozenset({"certificates", "gpu-pods"}),
    version=lambda config: (("version",), config.version),
    files=samples.files,
    cluster=ClusterPart(
        namespaces={places.NAMESPACE: "privileged"},
        component="components.platforms.rancher.component:RancherServer",
        probes=lambda _: (Probe("deployment", places.RELEASE, places.NAMESPACE),),
        answers=lambda config, ground: [(("hostname",), places.hostname(config, ground))],
        shares=people.shares,
    ),
)
