"""SSH servers in this process, on 127.0.0.1, for the tests of what talks to hosts."""

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncssh
import pytest

from components.hostrun import ssh
from components.hostrun.ssh import Result, SshError, Target

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")
ECDSA_KEY = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
USER_KEY = asyncssh.generate_private_key("ssh-ed25519")
PRIVATE_KEY = USER_KEY.export_private_key().decode()
PASSWORD = "canary-password-4711"

T = TypeVar("T")
Handler = Callable[["asyncssh.SSHServerProcess[bytes]"], Awaitable[None]]


def line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


class Server(asyncssh.SSHServer):
    connection: asyncssh.SSHServerConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("deploy", PASSWORD)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:  # noqa: ARG002
        return True


async def echo(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    text = await process.stdin.read()
    process.stdout.write(f"{process.command}|".encode() + text)
    process.stderr.write(b"said\n")
    process.exit(3)


@asynccontextmanager
async def server(
    handler: Handler = echo,
    key: asyncssh.SSHKey = HOST_KEY,
    address: str = "127.0.0.1",
    met: list[Server] | None = None,
    port: int = 0,
) -> AsyncIterator[int]:
    """Gives its port; `met` gets one entry for each connection."""

    async def handle(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        await handler(process)

    def meet() -> Server:
        clients.append(Server())
        return clients[-1]

    clients = [] if met is None else met
    keys = asyncssh.import_authorized_keys(USER_KEY.export_public_key().decode())
    acceptor = await asyncssh.create_server(
        meet,
        address,
        port,
        server_host_keys=[key],
        authorized_client_keys=keys,
        process_factory=handle,
        encoding=None,
    )
    async with acceptor:
        yield acceptor.get_port()
        # From Python 3.12 on a server ends only after its clients.
        for client in clients:
            client.connection.abort()


def target(port: int, **changes: Any) -> Target:
    base = Target("gpu-1", "127.0.0.1", port, "deploy", line(HOST_KEY), PRIVATE_KEY)
    return dataclasses.replace(base, **changes)


def go(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 10))


async def ask(
    handler: Handler = echo, key: asyncssh.SSHKey = HOST_KEY, *, deadline: float = 5, **changes: Any
) -> Result:
    async with server(handler, key) as port:
        return await ssh.run(target(port, **changes), "true", deadline=deadline)


def failure(work: Coroutine[Any, Any, object]) -> SshError:
    with pytest.raises(SshError) as caught:
        go(work)
    assert PASSWORD not in str(caught.value)
    assert "PRIVATE KEY" not in repr(caught.value)
    return caught.value


async def sudo_says(process: "asyncssh.SSHServerProcess[bytes]", status: int, text: str) -> None:
    process.stderr.write(text.encode() + b"\n")
    process.exit(status)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
