"""What is wrong with a host is said before what is wrong with the keys here, the same by every verb, with exit 4.

The network is this machine's: a host that is switched off is a full backlog, or a network that has no route to it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncssh
import pytest
from typer.testing import CliRunner

from components.host import addresses
from components.hostrun import ssh
from ops.cli import app
from tests.unit.sshd import HOST_KEY, OTHER_KEY, USER_KEY, closed_port, failure, line, server, target

REQUEST, ANSWER = 11, 12
"""SSH_AGENTC_REQUEST_IDENTITIES, SSH_AGENT_IDENTITIES_ANSWER (draft-miller-ssh-agent, 5.1)."""


def packed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@asynccontextmanager
async def agent(path: Path, kind: str) -> AsyncIterator[None]:
    """An ssh-agent that lists its keys: `none`, `empty` or `full`."""
    keys = [packed(USER_KEY.public_data) + packed(b"a key")] if kind == "full" else []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(4):
            assert (await reader.readexactly(int.from_bytes(size, "big")))[0] == REQUEST
            writer.write(packed(bytes([ANSWER]) + len(keys).to_bytes(4, "big") + b"".join(keys)))
        writer.close()

    if kind == "none":
        yield
    else:
        listener = await asyncio.start_unix_server(serve, path)
        async with listener:
            yield


@contextmanager
def off() -> Iterator[int]:
    """A port that answers nothing, as a host that is switched off."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        yield listener.getsockname()[1]


@asynccontextmanager
async def other_service() -> AsyncIterator[int]:
    """A port where something else than sshd listens."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def asked(path: Path, kind: str, *, port: int = 0, **changes: str) -> None:
    async with agent(path, kind):
        if port:
            await ssh.probe(target(port, private_key=None, **changes), deadline=2)
        else:
            async with other_service() as wrong:
                await ssh.probe(target(wrong, private_key=None, **changes), deadline=2)


@pytest.fixture(params=["none", "empty", "full"])
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    return str(request.param)


def test_a_host_that_is_off(kind: str, tmp_path: Path) -> None:
    with off() as port:
        error = failure(asked(tmp_path / "agent", kind, port=port))
    assert error.check_id == "address"
    assert f"127.0.0.1:{port} cannot be reached: no answer within " in error.message
    assert error.message.endswith("a host that is gone for good: hosts.gpu-1.state: gone.")


def test_a_host_that_the_network_calls_unreachable_is_told_alike(kind: str, tmp_path: Path) -> None:
    """A host that is off on our own segment: after one time-out the kernel remembers it, and answers at once."""
    error = failure(asked(tmp_path / "agent", kind, port=22, address="255.255.255.255"))
    assert error.check_id == "address"
    assert error.message.startswith("255.255.255.255:22 cannot be reached: ")
    assert error.message.endswith("a host that is gone for good: hosts.gpu-1.state: gone.")


def test_a_host_without_sshd(kind: str, tmp_path: Path) -> None:
    error = failure(asked(tmp_path / "agent", kind, port=closed_port()))
    assert (error.check_id, "refuses connections. Fix: start sshd there" in error.message) == ("address", True)


def test_a_wrong_port(kind: str, tmp_path: Path) -> None:
    error = failure(asked(tmp_path / "agent", kind))
    assert error.check_id == "connection"
    assert "Fix: check hosts.gpu-1.ssh.port, that sshd listens there" in error.message


async def greeted(path: Path, kind: str, key: asyncssh.SSHKey) -> None:
    async with server(key=key) as port:
        await asked(path, kind, port=port, user="nobody-of-theirs")


def test_another_host_key(kind: str, tmp_path: Path) -> None:
    error = failure(greeted(tmp_path / "agent", kind, OTHER_KEY))
    assert (error.check_id, "Nothing was sent." in error.message) == ("host-key", True)


@pytest.mark.parametrize(
    ("kind", "words"), [("none", "no ssh-agent answers"), ("empty", "the ssh-agent holds no key")], indirect=["kind"]
)
def test_only_a_host_that_is_well_makes_the_agent_the_matter(kind: str, tmp_path: Path, words: str) -> None:
    error = failure(greeted(tmp_path / "agent", kind, HOST_KEY))
    assert (error.check_id, words in error.message) == ("login", True)


@pytest.mark.parametrize("verb", ["preflight", "facts", "drift", "verify"])
def test_every_verb_says_the_same_and_ends_with_4(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any key here, so that a wrong order would show as a refused login (3). A site may not name loopback."""
    monkeypatch.setattr(addresses, "_KINDS", ())
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    port = closed_port()
    host = f"{{address: 127.0.0.2, ssh: {{user: deploy, port: {port}}}, hostKey: {line(HOST_KEY)}}}"
    text = f"config:\n  gpu-metal:site:\n    hosts:\n      gpu-1: {host}\n"
    (tmp_path / "Pulumi.lab.yaml").write_text(text)
    result = CliRunner().invoke(app, [verb, "-s", "lab", "-C", str(tmp_path)])
    assert result.exit_code == 4, result.output
    assert f"? gpu-1 [address] 127.0.0.2:{port} refuses connections. Fix: start sshd there" in result.output
