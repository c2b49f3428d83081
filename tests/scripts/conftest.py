from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.lab_host import HOST, LabHost, fresh
from tests.scripts.runner_host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture(scope="module")
def spare() -> Iterator[LabHost]:
    """The spare host with a new disk: each test leaves it as it found it."""
    with fresh(HOST) as host:
        yield host


@pytest.fixture
def installed(spare: LabHost) -> Iterator[LabHost]:
    """The same with the library; all is undone afterwards."""
    spare.install()
    yield spare
    spare.remove()
