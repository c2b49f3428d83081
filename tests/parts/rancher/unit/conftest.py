"""Rancher's API in this process."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.platforms.rancher.api import RancherApi
from components.rest.retry import Patience
from tests.parts.rancher.unit.server import Server as Rancher
from tests.unit.https import Server, https


@dataclass
class World:
    """A Rancher and its client."""

    there: Rancher
    server: Server
    now: float = 0.0

    def client(self, **more: Any) -> RancherApi:
        access = self.server.access(username="admin", **more)
        return RancherApi(access, Patience(60, lambda: self.now, self.sleep))

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    there = Rancher()
    with https(there, tmp_path) as server:
        yield World(there, server)
