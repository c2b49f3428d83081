"""Releases of Shifter that differ in what a site may say. Next: https://github.com/NERSC/shifter/releases

The site says which one it has; nothing is fetched by a version of ours.
"""

Release = tuple[int, int]

FIRST: Release = (16, 8)
"""Older ones know another siteFs."""
SITE_RESOURCES: Release = (17, 4)
"""The one release that knows siteResources, and brings GPUs there by itself."""
MODULES: Release = (18, 3)
"""From here on: modules; GPUs by them alone; kernel modules are no longer loaded by shifter."""
WITHOUT_CELERY: Release = (18, 3)
"""The first version whose gateway pulls in threads of its own; those before hand pulls to Celery, by way of Redis."""


def release(version: str) -> Release:
    """Year and month of a version."""
    year, month = version.split(".")[:2]
    return int(year), int(month)
