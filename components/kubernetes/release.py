"""Helm's own record of a release that this state does not know, or of a change that was killed.

Helm keeps it in a Secret of the release's namespace, and refuses to install a release of a name that has one: after a
state was lost, and after an install that was killed (status pending-install). Without it Helm installs anew, and takes
over the objects that stand there, as they bear its label and annotations (helm 3, pkg/action/validate.go). A revision
that a killed upgrade left as pending makes Helm refuse every later one ("another operation is in progress", errPending
in pkg/action/upgrade.go): without its record, Helm goes on from the revision before.

Rows: X4.
"""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from components.hostrun.target import Target
from components.kubernetes.kinds import Kinds
from components.kubernetes.plane import NobodyError, first

SCRIPT = Path(__file__).with_name("release.sh")
KINDS = Path(__file__).with_name("foreign_kinds.sh")


class KeptReleaseError(Exception):
    """No control plane could be asked. str() is `host [release] …`, with each one's reason."""


class TakenKindsError(Exception):
    """Kinds of the chart are there already, of somebody else. str() is `host [release] …`."""


async def forget(control_planes: Sequence[Target], namespace: str, name: str, kinds: Kinds | None = None) -> None:
    """Before the release is created: takes Helm's record of it away, if there is one; no object of it.

    Asks the `control_planes` in turn, and stops at the first that did it. Raises KeptReleaseError if none did, and
    TakenKindsError, before anything is changed, where the `kinds` are another's.
    """
    if kinds:
        await _free(control_planes, namespace, name, kinds)
    await _delete(control_planes, (namespace, name), f"whether Helm has a release {name} already")


async def unblock(control_planes: Sequence[Target], namespace: str, name: str) -> None:
    """Before the release is changed: takes away Helm's record of a change that was killed. Only one run changes a stack
    at a time. Raises KeptReleaseError as `forget` does."""
    words = namespace, name, "pending-upgrade,pending-rollback"
    await _delete(control_planes, words, f"whether Helm still changes the release {name}")


async def _free(control_planes: Sequence[Target], namespace: str, name: str, kinds: Kinds) -> None:
    words = " ".join(map(quote, (namespace, name, kinds.group)))
    try:
        plane, theirs = await first(control_planes, f"bash -s -- {words}", KINDS.read_bytes())
    except NobodyError as error:
        raise KeptReleaseError(error.told("release", f"whose the kinds of {kinds.group} are")) from None
    if lines := theirs.splitlines():
        more = f" and {len(lines) - 1} more" if lines[1:] else ""
        text = f"{plane.name} [release] has {lines[0]}{more}, and Helm installs {name} only with kinds of its own."
        raise TakenKindsError(f"{text} Nothing was changed. Fix: {kinds.instead}; or take the other one away")


async def _delete(control_planes: Sequence[Target], words: Sequence[str], what: str) -> None:
    try:
        await first(control_planes, f"bash -s -- {' '.join(map(quote, words))}", SCRIPT.read_bytes())
    except NobodyError as error:
        raise KeptReleaseError(error.told("release", what)) from None
