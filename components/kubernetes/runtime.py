"""Which members an `up` takes to another container engine's package, and what it must not do. Pure.

The engine is under all pods of a node, so its package changes in the node's turn, as its Kubernetes does (ADR 32).
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from components.kubernetes.upgrade import LAYER, Move

ENGINE = "-engine"
"""The end of the name of the resource that holds a host's engine."""
_PACKAGES = re.compile(r"packages@\w+#containerd")
_DRIFTED = re.compile(
    r"^  :: packages@\w+#containerd DRIFTED has (containerd\S*) (\S+)(?:, wants| not held)", re.MULTILINE
)
_NUMBER = re.compile(r"(?:\d+:)?(\d+)\.")


def package_of(create: str) -> str | None:
    """containerd's package in the command line of a layer `engine`: its name, with =VERSION where it is pinned.

    Where somebody changed it by hand: what `sitectl drift --record` found.
    """
    if found := _DRIFTED.search(create):
        return f"{found[1]}={found[2]}"
    for line in create.replace("\\\n", "\n").splitlines():
        words = shlex.split(line) if "#containerd" in line and " DRIFTED " not in line else []
        if any(map(_PACKAGES.fullmatch, words)):
            return next((word.removeprefix("names=") for word in words if word.startswith("names=")), None)
    return None


def packages(layers: Mapping[str, str], wanted: str) -> dict[str, str]:
    """By member of the cluster: the package in the stack's state. `layers` are command lines by their resources' names.

    Without those that stay as they are: where only the pin goes, the package is held at its version. A version may be a
    pattern.
    """
    found = {}
    for name in (each.removesuffix(LAYER) for each in layers if each.endswith(LAYER)):
        seen = package_of(layers.get(f"{name}{ENGINE}", ""))
        if seen and wanted != seen.partition("=")[0] and not fnmatchcase(seen, wanted):
            found[name] = seen
    return found


def forbidden(wanted: str, moving: Sequence[Move]) -> str | None:
    """Why the engine cannot go there, and what to do instead; None if it can."""
    major = _major(wanted)
    newer = [move for move in moving if major and (_major(move.before or "") or 0) > major]
    if not newer:
        return None
    names = ", ".join(move.node for move in newer)
    return (
        f"{wanted} is of an older major version than {newer[0].before} of {names}, and containerd does not promise to "
        "read what a newer one has stored. Write the version as it was; a cluster with the older one is made anew, "
        "from its backup (docs/how-to/upgrade.md)."
    )


def _major(package: str) -> int | None:
    found = _NUMBER.match(package.partition("=")[2])
    return int(found[1]) if found else None
