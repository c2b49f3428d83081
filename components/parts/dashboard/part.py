"""The dashboard as a part (docs/parts/dashboard/how-to.md)."""

from components.parts.dashboard import checks
from components.parts.dashboard.config import Dashboard
from components.parts.dashboard.values import NAMESPACE, RELEASE
from components.parts.part import ClusterPart, Part, Probe

PART: Part[Dashboard] = Part(
    config=Dashboard,
    checks=checks.checks,
    needs=frozenset({"ingress"}),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "restricted"},
        component="components.parts.dashboard.component:Headlamp",
        probes=lambda _: [Probe("deployment", RELEASE, NAMESPACE)],
        answers=lambda config, ground: [(("name",), f"{config.name}.{ground.domain}" if ground.domain else "")],
    ),
)
