"""Which releases there have been, and which may follow which (docs: upgrade)."""

RELEASES = ("2.17", "2.18", "2.19", "2.20", "2.21", "2.22", "2.23", "2.24", "2.25", "2.26", "3.0")
MOST = 4
"""Releases that 3.0 may be ahead of the one before; 2.25 follows any since 2.17."""


def place(version: str) -> int:
    """Where the release of a version such as 2.25.0 is. Raises ValueError for one that is unknown."""
    release = ".".join(version.split(".")[:2])
    if release not in RELEASES:
        raise ValueError(f"version {version!r} is none of {', '.join(RELEASES)}")
    return RELEASES.index(release)


def newer(one: str, other: str) -> bool:
    """Whether a version is of a later release than another."""
    return place(one) > place(other)


def refused(before: str, after: str) -> str:
    """Why a control plane of one version does not become one of another, empty if it may."""
    if newer(before, after):
        return f"the data are of version {before}: {after} is older, and a downgrade is not supported"
    if after.startswith("3.") and place(after) - place(before) > MOST:
        return f"from {before} to {after} are more than {MOST} versions: upgrade to one between first"
    return ""
