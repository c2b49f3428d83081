"""Releases of Shifter that differ in the keys that a site may have. Next: https://github.com/NERSC/shifter/releases

The site names its version; gpu-metal has no default one.
"""

Release = tuple[int, int]

SITE_RESOURCES: Release = (17, 4)
"""The one release that knows siteResources, and brings GPUs there by itself."""
MODULES: Release = (18, 3)
"""From this release on Shifter has modules, brings GPUs only by them, and loads no kernel modules."""
WITHOUT_CELERY: Release = (18, 3)
"""The first version whose gateway pulls in its own threads; earlier ones pass pulls to Celery through Redis."""


def release(version: str) -> Release:
    """Year and month of a version."""
    year, month = version.split(".")[:2]
    return int(year), int(month)
