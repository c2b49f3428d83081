"""SQream as a part (docs/parts/sqream/how-to.md)."""

from components.parts.part import HostPart, Part
from components.platforms.sqream import checks, listening, prepare, steps
from components.platforms.sqream.config import Sqream

PART: Part[Sqream] = Part(
    config=Sqream,
    checks=checks.checks,
    notes=checks.notes,
    version=lambda config: (("installer", "package"), config.installer.versions.database),
    needs=frozenset({"docker"}),
    host=HostPart(
        uses=steps.uses,
        prepare=lambda config, host, _: prepare.prepare(config, host),
        preflight=steps.preflight,
        listening=listening.listening,
        waves=steps.waves,
        docker_users=lambda config: (config.user,),
        alone=True,
    ),
)
