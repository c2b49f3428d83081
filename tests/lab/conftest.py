"""The lab runs for these tests; where it cannot, they fail and say why."""

from collections.abc import Iterator

import pytest

from lab.hosts import inventory
from lab.hosts import lab as hosts
from tests.lab.dev_site import DevSite, each
from tests.lab.stack import HOSTS, SPARE_HOST, Stack


@pytest.fixture(scope="session")
def lab() -> None:
    """The lab runs: hosts, registry, package sources."""
    hosts.up(lambda _: None)


@pytest.fixture(scope="module")
def fresh(lab: None) -> tuple[str, ...]:  # noqa: ARG001 - the lab runs
    """The site's hosts as they are after installation."""
    each(lambda name: hosts.reset(inventory.host(name)))
    return HOSTS


@pytest.fixture(scope="module")
def spare(lab: None) -> Iterator[str]:  # noqa: ARG001 - the lab runs
    """One host more, as it is after installation."""
    hosts.reset(inventory.host(SPARE_HOST))
    yield SPARE_HOST
    hosts.stop(inventory.host(SPARE_HOST), grace=0)


@pytest.fixture(scope="session")
def dev_site(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevSite]:  # noqa: ARG001 - the lab runs
    """The lab's site, kept once it is up (dev_site.py); one for all folders of tests that import this fixture."""
    site = DevSite(tmp_path_factory.getbasetemp() / "dev" / "kept")
    yield site
    site.forget()


@pytest.fixture(scope="module")
def cluster(dev_site: DevSite, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The lab's site at work, as it came up: for a story that is not about how it comes up."""
    return dev_site.start(tmp_path_factory.mktemp("cluster"))
