"""Names of time zones: those of the IANA database 2025, old names among them, and what this machine knows besides.

A host may lack some (`tzdata-legacy`); the step `timezone` looks there. Next: https://www.iana.org/time-zones
"""

import zoneinfo
from difflib import get_close_matches
from functools import cache
from pathlib import Path


def is_known(name: str) -> bool:
    """Whether there is a time zone of that name, by the list or by this machine's own database."""
    if name in _listed():
        return True
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def nearest(name: str) -> str | None:
    """The name that is spelt most alike, if one is."""
    return next(iter(get_close_matches(name, _listed(), 1, 0.8)), None)


@cache
def _listed() -> frozenset[str]:
    return frozenset(Path(__file__).with_suffix(".txt").read_text().split())
