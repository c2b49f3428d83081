"""Folders of the system itself: a user, database or build of a site may not take one of them as a whole.

Rows: H16.
"""

import re
from pathlib import PurePosixPath

_WHOLE = re.compile(
    r"/|/(bin|boot|dev|lib|lib64|proc|run|sbin|sys|usr)(/.*)?|/(etc|home|media|mnt|opt|root|srv|tmp|var)|/var/(lib|log|tmp)"
)


def is_the_systems(path: str) -> bool:
    """Is it a folder such as /usr/share or /srv itself? A folder in /srv is not."""
    return _WHOLE.fullmatch("/" + str(PurePosixPath(path)).lstrip("/")) is not None
