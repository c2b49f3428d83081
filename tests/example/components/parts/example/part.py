"""The example as a part."""

from components.parts.example import checks, steps
from components.parts.example.config import Example

from components.parts.part import ClusterPart, HostPart, Part, Probe

_HERE = "components.parts.example.component"

PART: Part[Example] = Part(
    config=Example,
    checks=checks.checks,
    gives=frozenset({"load-balancer"}),
    kubernetes=("1.30", "1.40"),
    host=HostPart(uses=steps.uses, prepare=steps.prepare, listening=steps.listening, waves=steps.waves),
    cluster=ClusterPart(
        namespaces={"example": "restricted"},
        component=f"{_HERE}:Map",
        probes=lambda _: (Probe("deployment", "example", "example"),),
        user=f"{_HERE}:OfTenant",
    ),
)
