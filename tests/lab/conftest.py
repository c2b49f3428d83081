"""The lab runs for these tests; where it cannot, they fail and say why."""

from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.hosts import faults, inventory
from lab.hosts import lab as hosts
from tests.lab.dev_site import DevSite, each
from tests.lab.stack import HOSTS, ROOT, SPARE_HOST, Stack


@pytest.fixture(scope="session")
def lab() -> None:
    """The lab runs: hosts, registry, package sources."""
    hosts.up(lambda _: None)


@pytest.fixture(scope="session")
def site_clean(lab: None) -> dict[str, Any]:  # noqa: ARG001 - the lab runs
    """What each host of the lab's site was after installation, for the story of that site."""
    each(lambda name: hosts.reset(inventory.host(name)))
    return {name: faults.snapshot(inventory.host(name)) for name in HOSTS}


@pytest.fixture(scope="session")
def site_stack(site_clean: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Stack:  # noqa: ARG001
    """The lab's site with a state of its own, not up yet. Its story is two files: test_site.py, test_site_part.py."""
    stack = Stack("dev", tmp_path_factory.mktemp("site"))
    stack.create(YAML().load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"])
    return stack


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
