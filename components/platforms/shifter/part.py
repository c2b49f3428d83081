"""Shifter as a part (docs/parts/shifter/how-to.md)."""

from components.parts.part import HostPart, Part
from components.platforms.shifter import checks, listening, prepare, roles, steps
from components.platforms.shifter.config import Shifter

PART: Part[Shifter] = Part(
    config=Shifter,
    checks=checks.checks,
    notes=checks.notes,
    version=lambda config: (("source", "version"), config.source.version),
    host=HostPart(
        uses=roles.members,
        prepare=prepare.prepare,
        preflight=steps.preflight,
        listening=listening.listening,
        waves=steps.waves,
        alone=True,
    ),
)
