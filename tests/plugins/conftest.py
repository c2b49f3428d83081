"""Hosts, drivers and stacks for the stand-in plugins' conformance tests."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi.runtime.proto import provider_pb2

from lab.plugins.kubernetes_provider.cluster import Cluster
from lab.plugins.kubernetes_provider.config import settings
from lab.plugins.kubernetes_provider.provider import make
from tests.plugins.apiserver import apiserver
from tests.plugins.driver import Driver
from tests.plugins.sshd import Host, sshd
from tests.plugins.stack import Stack

Start = Callable[..., Driver]


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as loop:
        yield loop


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    folder: Path = tmp_path_factory.mktemp("stack")
    return Stack.create(folder)


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with apiserver(tmp_path_factory.mktemp("apiserver")) as text:
        yield text


@pytest.fixture
def start(runner: asyncio.Runner, kubeconfig: str) -> Start:
    """A configured kubernetes plugin; options are the provider's own inputs."""

    def begin(token: str, **options: str) -> Driver:
        driver = Driver.start(runner, make, f"kubernetes:{token}")
        given = {"kubeconfig": kubeconfig, **options}
        variables = {f"kubernetes:config:{key}": text for key, text in given.items()}
        driver.call("Configure", provider_pb2.ConfigureRequest(variables=variables))
        return driver

    return begin


@pytest.fixture(scope="session")
def cluster(kubeconfig: str) -> Cluster:
    """The test's own way to the API server."""
    return Cluster(settings({"kubernetes:config:kubeconfig": kubeconfig}))
