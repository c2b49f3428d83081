"""Orchestra as a part (docs/parts/orchestra/how-to.md)."""

from components.parts.part import HostPart, Part
from components.platforms.orchestra import checks, places, steps
from components.platforms.orchestra.config import Orchestra

PART: Part[Orchestra] = Part(
    config=Orchestra,
    checks=checks.checks,
    notes=checks.notes,
    host=HostPart(
        uses=steps.uses,
        preflight=steps.preflight,
        listening=places.listening,
        waves=steps.waves,
        backups=lambda config, hosts: dict.fromkeys({places.database_host(config)} & {*hosts}, "orchestra-backup"),
        alone=True,
        verdicts={
            "orchestra_backup": "backup",
            "orchestra_pilot": "pilot",
            "orchestra_access": "kubeconfig",
            "orchestra_cluster": "database",
            "orchestra_pgadmin": "pgadmin",
        },
    ),
)
