"""The emulated host of the steps' tests, with Docker, and what was on it before SQream."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.parts.sqream.scripts.host import with_docker
from tests.scripts.conftest import installed, spare
from tests.scripts.lab_host import LabHost

__all__ = ["installed", "spare"]


@pytest.fixture(scope="module")
def docker(spare: LabHost) -> LabHost:
    """A host with GPUs and Docker, on which the module installs SQream."""
    return with_docker(spare)


@pytest.fixture(scope="module")
def before(docker: LabHost) -> Mapping[str, Any]:
    """What the host had before SQream."""
    return docker.snapshot()
