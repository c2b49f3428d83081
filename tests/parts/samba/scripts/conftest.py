"""The emulated host of the steps' tests."""

from tests.scripts.conftest import installed, spare

__all__ = ["installed", "spare"]
