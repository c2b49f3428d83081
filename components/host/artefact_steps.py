"""Preflight's check of a vendor's file, as data. Nothing here touches a host."""

from pathlib import Path

from components.host.artefact import Artefact
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"


def there(artefact: Artefact, what: str, *, label: str) -> list[Step]:
    """Checks that the operator has put the file on the host; there is no check for one that the host will fetch."""
    if artefact.file is None:
        return []
    return [Step(_SCRIPTS / "artefact.sh", {"file": artefact.file, "what": what}, label=label)]
