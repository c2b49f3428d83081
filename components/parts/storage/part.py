"""Storage as a part (docs/parts/storage/how-to.md)."""

from components.parts.part import ClusterPart, HostPart, Part
from components.parts.storage import checks, objects, steps, values
from components.parts.storage.config import Storage

PART: Part[Storage] = Part(
    config=Storage,
    checks=checks.checks,
    notes=checks.notes,
    gives=frozenset({"storage:default"}),
    given=lambda config: frozenset(
        {"storage:default"} if any(each.default for each in config.classes.values()) else ()
    ),
    host=HostPart(
        uses=steps.uses,
        preflight=steps.preflight,
        listening=steps.listening,
        waves=steps.waves,
        serving=steps.serving,
        verdicts={"nfs_mounts": "mounts"},
    ),
    cluster=ClusterPart(
        namespaces={},
        more_namespaces=values.namespaces,
        component="components.parts.storage.component:Volumes",
        probes=objects.probes,
        expected=objects.expected,
        optional=True,
    ),
)
