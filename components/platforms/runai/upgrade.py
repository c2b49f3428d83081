"""Before the control plane of Run:ai becomes another version: whether it can, and a backup of its database.

Rows: R4, R12.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

from components.hostrun.step import content
from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, first
from components.platforms.runai import places, values, versions
from components.platforms.runai.config import Runai

SCRIPT = Path(__file__).with_name("upgrade.sh")
_MINUTES = 60
"""How long a dump may take."""


class UpgradeError(Exception):
    """A version cannot be reached from the one that is installed. str() says why, and what can be."""


class BackupError(Exception):
    """The database could not be saved, so nothing is upgraded. str() has each control plane's reason."""


def must_reach(old: str, new: str, name: str) -> None:
    """Raises UpgradeError for a jump, and for a way back."""
    if old and (trouble := versions.hop(old, new)):
        raise UpgradeError(f"{name}.version: {trouble}. Nothing was changed")


async def prepare(
    planes: Sequence[Target], config: Runai, old: str, *, name: str, tell: Callable[[str], object]
) -> None:
    """Before an upgrade: saves the database to a file on the first control plane that can, and tells which.

    Takes away the ingress controller that releases of 2.x brought. Raises BackupError if nobody could.
    """
    if not old or old == config.version:
        return
    pod = f" {places.DATABASE}-0" if values.own_database(config) else ""
    command = f"bash -s -- {places.BACKEND} {quote(old)}{pod}"
    try:
        plane, file = await first(planes, command, content(SCRIPT), deadline=_MINUTES * 60)
    except NobodyError as error:
        text = f"{name}.version: the database of {old} could not be saved, so nothing was upgraded. {error}."
        raise BackupError(f"{text} Fix: mend that, then pulumi up") from None
    if file:
        tell(f"{name}: the database of {old} is saved as {file.strip()} on {plane.name}")
