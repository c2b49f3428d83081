"""How the program itself talks to a host: one command over SSH, with a deadline on everything.

The only importer of asyncssh. It reads no ~/.ssh/config, no default keys and no known_hosts of the user: a target says
all there is to know, so that hooks, sitectl and Pulumi's own provider see the same host.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass

import asyncssh

from components.hostrun import target as say
from components.hostrun.target import SshError, Target

__all__ = ["HostKey", "Result", "SshError", "Target", "probe", "run", "scan"]

CONNECT_LIMIT = 15.0
"""Seconds to be logged in; a host that needs more hangs."""
OUTPUT_LIMIT = 8 << 20
"""Bytes kept of stdout and of stderr each; what comes after is read and dropped, and said to be."""

HOST_KEY_TYPES = [
    "ssh-ed25519",
    *(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)),
    *("rsa-sha2-512", "rsa-sha2-256"),
]
"""From the best on: the first that a host has is the one to pin."""

# Its lines name hosts, users and keys' comments, and would land between the rows of a table.
logging.getLogger("asyncssh").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Result:
    """How a command ended; a signal N is status 128 + N, as in a shell."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class HostKey:
    """A host's key as `type base64`, and as `type SHA256:…` to compare at its console."""

    line: str
    fingerprint: str


class _Client(asyncssh.SSHClient):
    """Notes how far a connection came: that is what an error is about."""

    def __init__(self) -> None:
        self.connection: asyncssh.SSHClientConnection | None = None
        self.shown: asyncssh.SSHKey | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        """Asked only about a key that is not the pinned one: refused, but remembered for the message."""
        self.shown = key
        return False

    @property
    def greeted(self) -> bool:
        """Whether the other side has sent its SSH version line."""
        return bool(self.connection and self.connection.get_extra_info("server_version"))


async def run(target: Target, command: str, *, stdin: bytes = b"", deadline: float = 30, root: bool = True) -> Result:
    """Run a command and wait for its end; any exit status is a Result.

    Raises SshError when the host cannot be asked, does not answer within `deadline` seconds in all, or sudo refuses.
    A command that is cut off by the deadline may go on running there.
    """
    by_sudo = root and target.sudo and target.user != "root"
    start, end = time.monotonic(), asyncio.get_running_loop().time() + deadline
    async with _connected(target, min(deadline, CONNECT_LIMIT)) as connection:
        try:
            async with asyncio.timeout_at(end):
                result = await _execute(connection, f"sudo -n {command}" if by_sudo else command, stdin)
        except TimeoutError:
            raise say.too_long(target, command, deadline) from None
        except (OSError, asyncssh.Error):
            raise say.lost(target, command, time.monotonic() - start) from None
    if result is None:
        raise say.lost(target, command, time.monotonic() - start)
    if by_sudo and (error := say.sudo_error(target, result.status, result.stderr)):
        raise error
    return result


async def probe(target: Target, deadline: float = 10) -> None:
    """Address, SSH greeting, host key, login and sudo, in that order. Raises SshError for the first that fails."""
    result = await run(target, "true", deadline=deadline)
    if result.status != 0:
        raise say.bad_shell(target, result.status, (result.stderr or result.stdout).strip())


async def scan(target: Target, deadline: float = 10) -> HostKey:
    """The best key that the host shows now, whatever is known of it; nothing is sent. Raises SshError."""
    client = _Client()
    start = time.monotonic()
    async with AsyncExitStack() as way:
        tunnel = await way.enter_async_context(_connected(target.bastion, deadline)) if target.bastion else None
        async with _explained(target, client, deadline - (time.monotonic() - start)):
            with suppress(asyncssh.HostKeyNotVerifiable):
                await _connect(target, client, tunnel, None, None)
    shown = client.shown
    assert shown is not None  # noqa: S101 (no key is trusted, so one was refused)
    return HostKey(" ".join(shown.export_public_key().decode().split()[:2]), _fingerprint(shown))


@asynccontextmanager
async def _connected(target: Target, limit: float) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Logged in, through the bastion where there is one; `limit` seconds are for the whole way."""
    if target.bastion is None:
        async with _direct(target, limit, None) as connection:
            yield connection
        return
    start = time.monotonic()
    async with (
        _connected(target.bastion, limit) as tunnel,
        _direct(target, limit - (time.monotonic() - start), tunnel) as connection,
    ):
        yield connection


@asynccontextmanager
async def _direct(
    target: Target, limit: float, tunnel: asyncssh.SSHClientConnection | None
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    client = _Client()
    async with _explained(target, client, limit):
        connection = await _login(target, client, tunnel)
    try:
        yield connection
    finally:
        # abort, not close: a frozen host would never confirm
        connection.abort()
        await connection.wait_closed()


@asynccontextmanager
async def _explained(target: Target, client: _Client, limit: float) -> AsyncIterator[None]:
    """A connection in the making, `limit` seconds at most: whatever goes wrong is an SshError."""
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError:
        if client.connection is None:
            raise say.no_answer(target, limit) from None
        raise (say.slow_login if client.greeted else say.no_greeting)(target, limit) from None
    except (OSError, asyncssh.Error) as error:
        raise _meaning(target, client, error) from None


async def _login(
    target: Target, client: _Client, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    known = _host_key(target)
    if target.private_key is not None:
        return await _connect(target, client, tunnel, known, [_private_key(target)])
    if target.password is not None:
        return await _connect(target, client, tunnel, known, None)
    try:
        agent = await asyncssh.connect_agent(os.environ.get("SSH_AUTH_SOCK", ""))
        with closing(agent):
            if not (keys := list(await agent.get_keys())):
                raise say.empty_agent(target)
            return await _connect(target, client, tunnel, known, keys)
    except (OSError, ValueError):
        if client.connection is not None:
            raise
        raise say.no_agent(target) from None


async def _connect(
    target: Target,
    client: _Client,
    tunnel: asyncssh.SSHClientConnection | None,
    known: asyncssh.SSHKey | None,
    keys: list[asyncssh.SSHKey] | list[asyncssh.SSHKeyPair] | None,
) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        target.address,
        target.port,
        client_factory=lambda: client,
        tunnel=tunnel or (),
        config=None,
        username=target.user,
        # as the only trusted key it also decides the key type that is asked for
        known_hosts=([known] if known else [], [], []),
        server_host_key_algs=() if known else HOST_KEY_TYPES,
        x509_trusted_certs=None,
        client_keys=keys,
        password=target.password,
        agent_path=None,
        gss_kex=False,
        gss_auth=False,
        # our own deadlines hold, for they know how far it came
        connect_timeout=None,
        login_timeout=0,
        keepalive_interval=10,
        keepalive_count_max=3,
    )


def _private_key(target: Target) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(target.private_key or "")
    except asyncssh.KeyEncryptionError:
        raise say.bad_private_key(target, locked=True) from None
    except asyncssh.KeyImportError as error:
        raise say.bad_private_key(target, locked="passphrase" in str(error).lower()) from None


def _host_key(target: Target) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(target.host_key)
    except asyncssh.KeyImportError:
        raise say.bad_known_key(target) from None


def _meaning(target: Target, client: _Client, error: OSError | asyncssh.Error) -> SshError:
    """What an error before the login means; the library's own words only where ours would know less."""
    reason = error.reason if isinstance(error, asyncssh.Error) else _os_reason(error)
    if client.shown is not None:
        return say.wrong_key(target, _fingerprint(client.shown), _fingerprint(_host_key(target)))
    if isinstance(error, asyncssh.PermissionDenied) or say.TOO_MANY in reason:
        return say.no_login(target, reason)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return say.no_common_algorithm(target, reason)
    if isinstance(error, ConnectionRefusedError):
        return say.refused(target)
    if client.connection is None:
        return say.unreachable(target, reason)
    return say.closed(target, reason, greeted=client.greeted)


def _os_reason(error: OSError) -> str:
    # asyncio puts its own text over the system's; a resolver's errors have negative numbers
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def _fingerprint(key: asyncssh.SSHKey) -> str:
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


async def _execute(connection: asyncssh.SSHClientConnection, command: str, stdin: bytes) -> Result | None:
    """None when the connection ended before the command did."""
    process: asyncssh.SSHClientProcess[bytes] = await connection.create_process(command, encoding=None)
    out, err, _ = await asyncio.gather(_read(process.stdout), _read(process.stderr), _feed(process.stdin, stdin))
    await process.wait_closed()
    # asyncssh: negative for a signal, None when neither status nor signal ever came
    status = process.returncode
    if status is None:
        return None
    return Result(status if status >= 0 else 128 - status, out, err)


async def _read(stream: asyncssh.SSHReader[bytes]) -> str:
    kept, dropped = bytearray(), 0
    while piece := await stream.read(1 << 16):
        room = OUTPUT_LIMIT - len(kept)
        kept += piece[:room]
        dropped += len(piece[room:])
    text = kept.decode(errors="replace")
    return f"{text}\n… {dropped} more bytes were dropped\n" if dropped else text


async def _feed(stream: asyncssh.SSHWriter[bytes], data: bytes) -> None:
    # a command may end before it has read all: its status tells, not the broken pipe
    try:
        stream.write(data)
        await stream.drain()
        stream.write_eof()
    except (BrokenPipeError, ConnectionResetError):
        return
