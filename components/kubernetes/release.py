"""Helm's own record of a release that this state does not know.

Helm keeps it in a Secret of the release's namespace, and refuses to install a release of a name that has one: after a
state was lost, and after an install that was killed (status pending-install). Without it Helm installs anew, and takes
over the objects that stand there, as they bear its label and annotations (helm 3, pkg/action/validate.go).

Rows: X4.
"""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from components.hostrun.target import Target
from components.kubernetes.plane import NobodyError, first

SCRIPT = Path(__file__).with_name("release.sh")


class KeptReleaseError(Exception):
    """No control plane could be asked. str() is `host [release] …`, with each one's reason."""


async def forget(control_planes: Sequence[Target], namespace: str, name: str) -> None:
    """Before the release is created: takes Helm's record of it away, if there is one; no object of it.

    Asks the `control_planes` in turn, and stops at the first that did it. Raises KeptReleaseError if none did.
    """
    try:
        await first(control_planes, f"bash -s -- {quote(namespace)} {quote(name)}", SCRIPT.read_bytes())
    except NobodyError as error:
        raise KeptReleaseError(error.told("release", f"whether Helm has a release {name} already")) from None
