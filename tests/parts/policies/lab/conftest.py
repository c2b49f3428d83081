"""The lab, for this part's story."""

from tests.lab.conftest import lab

__all__ = ["lab"]
