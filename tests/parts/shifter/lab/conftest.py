"""The lab and its hosts."""

from tests.lab.conftest import lab, spare

__all__ = ["lab", "spare"]
