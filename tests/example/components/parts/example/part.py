"""The example as a part (docs/parts/example/how-to.md): the smallest that has all that a part may have."""

from components.parts.example import checks, steps
from components.parts.example.config import Example
from components.parts.part import ClusterPart, HostPart, Part, Probe

_COMPONENT = "components.parts.example.component"

PART: Part[Example] = Part(
    config=Example,
    checks=checks.checks,
    notes=checks.notes,
    names=checks.names,
    needs=frozenset({"kubernetes"}),
    gives=frozenset({"oidc"}),
    host=HostPart(uses=steps.uses, preflight=steps.preflight, listening=steps.listening, waves=steps.waves),
    cluster=ClusterPart(
        namespaces={"example": "restricted"},
        component=f"{_COMPONENT}:Board",
        probes=lambda _: (Probe("deployment", "board", "example"),),
        project=f"{_COMPONENT}:Notice",
    ),
)
