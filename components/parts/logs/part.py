"""Logs of the cluster as a part (docs/parts/logs/how-to.md)."""

from pathlib import Path

from components.parts.logs import checks, values
from components.parts.logs.config import Logs
from components.parts.part import ClusterPart, Part, Question

_DELIVERED = Path(__file__).parent / "questions" / "delivered.sh"

PART: Part[Logs] = Part(
    config=Logs,
    checks=checks.checks,
    notes=checks.notes,
    asks=lambda config: frozenset(
        {
            *({"storage:default"} if config.storage and config.storage.storage_class is None else ()),
            *({"ingress"} if config.name else ()),
        }
    ),
    # The store's volume is of a class that the site names, which storage makes.
    uses=frozenset({"storage:default"}),
    cluster=ClusterPart(
        namespaces={values.STORE: "restricted", values.AGENTS: "privileged"},
        component="components.parts.logs.component:Store",
        probes=values.probes,
        answers=lambda config, ground: [(("name",), f"{config.name}.{ground.domain}")] if config.name else [],
        questions=lambda *_: (
            Question("delivered", _DELIVERED, (values.AGENTS, values.AGENTS_RELEASE, values.OPEN_METRICS)),
        ),
    ),
)
