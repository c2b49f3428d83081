"""The emulated host of the steps' tests, with Docker, and what was on it before SQream."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.parts.sqream.scripts.host import DOCKER
from tests.scripts.frozen import frozen
from tests.scripts.lab_host import HOST, LabHost


@pytest.fixture(scope="module")
def docker() -> Iterator[LabHost]:
    """A host with GPUs and Docker, on which the module installs SQream."""
    with frozen(HOST, DOCKER) as host:
        yield host


@pytest.fixture(scope="module")
def before(docker: LabHost) -> Mapping[str, Any]:
    """What the host had before SQream."""
    return docker.snapshot()


@pytest.fixture
def fault(host: LabHost) -> Iterator[Any]:
    """The stand-in fails as its word says."""
    yield lambda word: host.bash(f"echo {word} >/run/lab-sqream")
    host.bash("rm -f /run/lab-sqream")
