"""The lab's site at work."""

from tests.lab.conftest import cluster, dev_site, lab

__all__ = ["cluster", "dev_site", "lab"]
