"""What was found of one resource of the state that is not as it was wanted."""

from dataclasses import dataclass

from components.hostrun.report import Check
from ops.subset import Difference


@dataclass(frozen=True)
class Found:
    """The differences of one resource of the state."""

    check: Check
    urn: str
    difference: Difference | None = None
    """None where the object is missing."""
    secret: bool = False
    """Its values are not to be written anywhere."""
