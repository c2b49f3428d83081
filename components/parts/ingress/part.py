"""The ingress as a part (docs/parts/ingress/how-to.md)."""

from components.parts.ingress import asked, checks
from components.parts.ingress.config import Ingress
from components.parts.ingress.plan import NAMESPACE, RELEASE
from components.parts.part import ClusterPart, Part, Probe

PART: Part[Ingress] = Part(
    config=Ingress,
    checks=checks.checks,
    notes=checks.notes,
    asks=lambda config: frozenset({"load-balancer"}) if config.expose == "loadBalancer" else frozenset(),
    gives=frozenset({"ingress"}),
    version=lambda config: (("version",), config.version),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "baseline"},
        component="components.parts.ingress.component:HaProxy",
        probes=lambda _: (Probe("deployment", RELEASE, NAMESPACE),),
        preflight=asked.preflight,
        questions=asked.questions,
    ),
    within="network",
)
