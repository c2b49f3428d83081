"""A control plane of Run:ai in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.runai.unit.control_plane import ControlPlane
from tests.parts.runai.unit.world import World
from tests.unit.conftest import lab_folder
from tests.unit.https import https

__all__ = ["lab_folder"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    there = ControlPlane()
    with https(there, tmp_path) as server:
        yield World(there, server)
