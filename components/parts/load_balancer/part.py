"""The load balancer as a part (docs/parts/load_balancer/how-to.md)."""

from pathlib import Path

from components.parts.load_balancer import checks, steps
from components.parts.load_balancer.config import LoadBalancer
from components.parts.load_balancer.plan import NAMESPACE
from components.parts.part import ClusterPart, HostPart, Part, Probe, Question

_HERE = Path(__file__).parent

PART: Part[LoadBalancer] = Part(
    config=LoadBalancer,
    checks=checks.checks,
    notes=checks.notes,
    gives=frozenset({"load-balancer"}),
    version=lambda config: (("version",), config.version) if config.kind == "metallb" else None,
    host=HostPart(uses=steps.uses, preflight=steps.preflight, listening=steps.listening, waves=lambda *_: ()),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "privileged"},
        component="components.parts.load_balancer.component:MetalLb",
        made=lambda config: config.kind == "metallb",
        probes=lambda config: (
            (
                Probe("deployment", "metallb-controller", NAMESPACE),
                Probe("daemonset", "metallb-speaker", NAMESPACE),
            )
            if config.kind == "metallb"
            else ()
        ),
        questions=lambda *_: (Question("addresses", _HERE / "questions/addresses.sh"),),
    ),
)
