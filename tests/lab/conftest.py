"""The lab runs for these tests; where it cannot, they fail and say why."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab.hosts import disk, frozen, inventory
from tests.lab.dev_site import DevSite
from tests.lab.stack import HOSTS, ROOT, SPARE_HOST, Stack


def _lab(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False
    )
    assert done.returncode == 0, f"lab {' '.join(words)}:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def lab() -> None:
    """The lab runs: hosts, registry, package sources."""
    _lab("up")


@pytest.fixture(scope="module")
def fresh(lab: None) -> tuple[str, ...]:  # noqa: ARG001 - the lab runs
    """The site's hosts as they are after installation."""
    for host in HOSTS:
        _lab("host", "reset", host)
    return HOSTS


@pytest.fixture(scope="module")
def spare(lab: None) -> Iterator[str]:  # noqa: ARG001 - the lab runs
    """One host more, as it is after installation."""
    _lab("host", "reset", SPARE_HOST)
    yield SPARE_HOST
    _lab("host", "stop", SPARE_HOST)


@pytest.fixture(scope="session")
def dev_site(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevSite]:  # noqa: ARG001 - the lab runs
    """The lab's site, kept once it is up (dev_site.py)."""
    yield DevSite(tmp_path_factory.mktemp("dev") / "kept")
    frozen.clear([disk.layer_of(each) for each in inventory.HOSTS.values()], of_a_run=True)


@pytest.fixture(scope="module")
def cluster(dev_site: DevSite, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The lab's site at work, as it came up: for a story that is not about how it comes up."""
    return dev_site.start(tmp_path_factory.mktemp("cluster"))
