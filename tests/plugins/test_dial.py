"""How the command stand-in dials, against a real sshd, a closed port and hosts that misbehave."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from lab.plugins.command_provider.provider import COMMAND, make
from lab.plugins.values import encode
from tests.plugins.driver import AbortedError, Driver
from tests.plugins.sshd import Host, free_port, keypair, sshd
from tests.ssh_agent import ssh_agent


@pytest.fixture
def command(runner: asyncio.Runner) -> Driver:
    return Driver.start(runner, make, COMMAND)


def run(command: Driver, connection: dict[str, Any], *, timeout: float = 0) -> str:
    _, state = command.create(command.checked({"connection": connection, "create": "echo ran"}), timeout=timeout)
    return str(state["stdout"])


def failed(command: Driver, connection: dict[str, Any], *, timeout: float = 0) -> str:
    with pytest.raises(AbortedError) as error:
        run(command, connection, timeout=timeout)
    return str(error.value)


def test_a_closed_port_is_tried_up_to_the_limit(command: Driver) -> None:
    port = free_port()
    said = failed(command, {"host": "127.0.0.1", "port": port, "dialErrorLimit": 2})
    assert said == f"after 2 failed attempts: dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert command.engine.passing == ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]


def test_a_host_that_comes_up_later_is_reached(command: Driver, tmp_path: Path) -> None:
    with ExitStack() as stack:
        with sshd(tmp_path / "late") as first:
            pass  # keys and port of a host that is down now
        timer = threading.Timer(3.0, lambda: stack.enter_context(sshd(tmp_path / "late", first.port)))
        timer.start()
        assert run(command, first.connection(dialErrorLimit=-1)) == "ran"
        timer.join()
    assert command.engine.passing[0] == "Dial 1/inf failed: retrying"


def test_the_operations_timeout_bounds_dialling(command: Driver) -> None:
    connection = {"host": "127.0.0.1", "port": free_port(), "dialErrorLimit": -1}
    assert failed(command, connection, timeout=0.5) == "context deadline exceeded"


def test_the_operations_timeout_does_not_bound_the_command(command: Driver, host: Host) -> None:
    given = command.checked({"connection": host.connection(), "create": "sleep 3; echo ran"})
    assert command.create(given, timeout=2)[1]["stdout"] == "ran"


def test_cancel_ends_dialling(command: Driver) -> None:
    connection = {"host": "127.0.0.1", "port": free_port(), "dialErrorLimit": -1}

    async def cancel_soon() -> None:
        asyncio.get_running_loop().call_later(0.3, command.provider.cancelled.set)

    command.runner.run(cancel_soon())
    assert failed(command, connection) == "context canceled"


def test_an_unknown_name(command: Driver) -> None:
    assert "no such host" in failed(command, {"host": "no-such-host.invalid", "dialErrorLimit": 0})


def test_the_pinned_host_key_is_checked(command: Driver, host: Host, tmp_path: Path) -> None:
    assert run(command, host.connection(hostKey=host.host_key)) == "ran"
    _, other = keypair(tmp_path / "other")
    said = failed(command, host.connection(hostKey=other, dialErrorLimit=1))
    assert said == "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch"


def test_a_host_key_that_is_none(command: Driver, host: Host) -> None:
    assert "failed to parse host key" in failed(command, host.connection(hostKey="nonsense"))


def test_a_wrong_key_is_refused(command: Driver, host: Host, tmp_path: Path) -> None:
    private, _ = keypair(tmp_path / "wrong")
    assert "unable to authenticate, attempted methods [none publickey]" in failed(
        command, host.connection(privateKey=private, dialErrorLimit=0)
    )


def test_a_key_with_a_password(command: Driver, tmp_path: Path) -> None:
    """PKCS#8: for OpenSSH's own format asyncssh needs bcrypt, which the lock does not have."""
    folder = tmp_path / "locked"
    folder.mkdir()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ecdsa", "-m", "PKCS8", "-N", "open sesame", "-f", folder / "user"], check=True
    )
    with sshd(folder) as host:
        assert run(command, host.connection(privateKeyPassword="open sesame")) == "ran"
        assert failed(command, host.connection(privateKeyPassword="shut")).startswith("ssh: ")


def test_one_hop_through_a_proxy(command: Driver, host: Host, tmp_path: Path) -> None:
    with sshd(tmp_path / "bastion") as bastion:
        assert run(command, host.connection(proxy=bastion.connection(hostKey=bastion.host_key))) == "ran"
        closed = host.connection(port=free_port(), dialErrorLimit=1, proxy=bastion.connection())
        assert failed(command, closed).startswith("proxy: after 1 failed attempts: ssh: rejected: connect failed")
        mistaken = host.connection(hostKey=bastion.host_key, proxy=bastion.connection())
        assert failed(command, mistaken) == "proxy: ssh: handshake failed: ssh: host key mismatch"


@pytest.fixture
def agent(host: Host, tmp_path: Path) -> Iterator[str]:
    """The socket of an agent that holds the user's key."""
    with ssh_agent(str(tmp_path / "agent"), host.private_key) as socket:
        yield socket


def test_the_agent_is_used(command: Driver, host: Host, agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = host.connection()
    del connection["privateKey"]
    assert run(command, {**connection, "agentSocketPath": agent}) == "ran"
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)
    assert run(command, connection) == "ran"


def test_a_dead_agent_is_an_error_even_with_a_key(command: Driver, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    assert failed(command, host.connection()) == "dial unix /nonexistent/agent: connect: no such file or directory"


def test_a_silent_host_is_waited_for_beyond_the_timeout(command: Driver) -> None:
    """perDialTimeout covers TCP only, as officially: an own probe with a deadline must come before."""

    async def serve() -> int:
        server = await asyncio.start_server(lambda _reader, _writer: asyncio.sleep(60), "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    port = command.runner.run(serve())
    connection = {"host": "127.0.0.1", "port": port, "perDialTimeout": 1, "dialErrorLimit": 0}
    given = command.checked({"connection": connection, "create": "true"})
    with pytest.raises(TimeoutError):
        command.call("Create", provider_pb2.CreateRequest(urn=command.urn, properties=encode(given)), within=2.5)
