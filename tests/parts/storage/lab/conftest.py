"""The lab and its hosts."""

from tests.lab.conftest import fresh, lab, spare

__all__ = ["fresh", "lab", "spare"]
