from pathlib import Path

import pytest

from tests.scripts.runner_host import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)
