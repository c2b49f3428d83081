"""The lab."""

from tests.lab.conftest import lab

__all__ = ["lab"]
