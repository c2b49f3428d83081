"""What preflight asks of a vendor's file, as data. Nothing here touches a host."""

from pathlib import Path

from components.host.artefact import Artefact
from components.hostrun.step import Step

_SCRIPTS = Path(__file__).parent / "steps"


def there(artefact: Artefact, what: str, *, label: str) -> list[Step]:
    """The file that the operator was to put on the host; what the host fetches is seen when it is fetched."""
    if artefact.file is None:
        return []
    return [Step(_SCRIPTS / "artefact.sh", {"file": artefact.file, "what": what}, label=label)]
