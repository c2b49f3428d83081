"""Samba shares as a part (docs/parts/samba/how-to.md)."""

from components.parts.part import HostPart, Part
from components.parts.samba import checks, steps
from components.parts.samba.config import Samba

PART: Part[Samba] = Part(
    config=Samba,
    checks=checks.checks,
    notes=checks.notes,
    # The folders of volumes are there before the shares that lie in them.
    uses=frozenset({"storage:default"}),
    host=HostPart(
        uses=steps.uses,
        preflight=steps.preflight,
        listening=steps.listening,
        waves=steps.waves,
        verdicts={"samba_shares": "shares", "samba_users": "users"},
    ),
)
