"""What enforces NetworkPolicies, as a part (docs/parts/policies/how-to.md)."""

from components.parts.part import ClusterPart, HostPart, Part, Probe
from components.parts.policies import checks, steps
from components.parts.policies.config import Policies
from components.parts.policies.plan import NAME, NAMESPACE

PART: Part[Policies] = Part(
    config=Policies,
    checks=checks.checks,
    gives=frozenset({"network-policies"}),
    host=HostPart(uses=steps.uses, listening=steps.listening, waves=steps.waves),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "privileged"},
        component="components.parts.policies.component:Agent",
        made=lambda config: config.kind == "kube-router",
        probes=lambda config: [Probe("daemonset", NAME, NAMESPACE)] if config.kind == "kube-router" else [],
    ),
)
