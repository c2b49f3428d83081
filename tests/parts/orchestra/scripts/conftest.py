"""The emulated host of the steps' tests."""

from tests.scripts.conftest import spare

__all__ = ["spare"]
