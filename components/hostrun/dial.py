"""Logs in to a host: TCP, host key, login. Each failure has a message of its own.

Ignores the user's ~/.ssh/config, default keys and known_hosts: a Target holds everything, so that hooks, sitectl and
Pulumi's own provider reach the same host. Only this module, line, session and stream use asyncssh.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from components.hostrun import target as say
from components.hostrun.sshlib import asyncssh
from components.hostrun.target import SshError, Target

HOST_KEY_TYPES = [
    "ssh-ed25519",
    *(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)),
    *("rsa-sha2-512", "rsa-sha2-256"),
]
"""Best first: the first of these that a host has is the one to pin."""

# asyncssh logs names of hosts and users and keys' comments, which would appear between the rows of a table.
logging.getLogger("asyncssh").setLevel(logging.CRITICAL + 1)


class Client(asyncssh.SSHClient):
    """Notes how far a connection came, so that an error can name the stage that failed."""

    def __init__(self) -> None:
        self.connection: asyncssh.SSHClientConnection | None = None
        self.shown: asyncssh.SSHKey | None = None
        self.said = ""
        """The last text that the host sent for people, before or at the login."""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """TCP is connected."""
        self.connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        """Called only for a key other than the pinned one: refuses it, and keeps it for the message."""
        self.shown = key
        return False

    def auth_banner_received(self, msg: str, lang: str) -> None:  # noqa: ARG002
        """A text of the host: sshd's banner, then what the host's account rules say of a login that they refuse."""
        self.said = " ".join(msg.split()) or self.said

    @property
    def trusted(self) -> bool:
        """Whether the host has shown the pinned key, so that what comes next is the login."""
        return bool(self.connection and self.connection.get_server_host_key())

    @property
    def greeted(self) -> bool:
        """Whether the other side has sent its SSH version line."""
        return bool(self.connection and self.connection.get_extra_info("server_version"))


@asynccontextmanager
async def explained(target: Target, client: Client, limit: float) -> AsyncIterator[None]:
    """Gives the connection attempt inside at most `limit` seconds, and turns every failure into an SshError."""
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError:
        if client.connection is None:
            raise say.no_answer(target, limit) from None
        raise (say.slow_login if client.greeted else say.no_greeting)(target, limit) from None
    except (OSError, asyncssh.Error) as error:
        raise _meaning(target, client, error) from None


async def login(
    target: Target, client: Client, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    """Log in, without a time limit. Raises SshError when a key or the agent is unusable, else asyncssh's own errors."""
    known = _host_key(target)
    if target.private_key is not None:
        return await connect(target, client, tunnel, known, [_private_key(target)])
    if target.password is not None:
        return await connect(target, client, tunnel, known, None)
    async with AsyncExitStack() as stack:
        try:
            agent = await asyncssh.connect_agent(os.environ.get("SSH_AUTH_SOCK", ""))
            stack.callback(agent.close)
            keys = list(await agent.get_keys())
        except (OSError, ValueError):
            why = say.no_agent(target)
        else:
            why = say.empty_agent(target)
            if keys:
                return await connect(target, client, tunnel, known, keys)
    # Without any key: what is wrong with the host itself comes before what is wrong with the agent here.
    try:
        return await connect(target, client, tunnel, known, None)
    except asyncssh.PermissionDenied:
        raise why from None


async def connect(
    target: Target,
    client: Client,
    tunnel: asyncssh.SSHClientConnection | None,
    known: asyncssh.SSHKey | None,
    keys: list[asyncssh.SSHKey] | list[asyncssh.SSHKeyPair] | None,
) -> asyncssh.SSHClientConnection:
    """Log in. Without a `known` key every host key is refused, and `client.shown` is the one that the host sent."""
    return await asyncssh.connect(
        target.address,
        target.port,
        client_factory=lambda: client,
        tunnel=tunnel or (),
        config=None,
        username=target.user,
        # with one trusted key, asyncssh also requests a host key of that type
        known_hosts=([known] if known else [], [], []),
        server_host_key_algs=() if known else HOST_KEY_TYPES,
        x509_trusted_certs=None,
        client_keys=keys,
        password=target.password,
        agent_path=None,
        gss_kex=False,
        gss_auth=False,
        # our own deadlines apply instead: their errors say how far the connection came
        connect_timeout=None,
        login_timeout=0,
        keepalive_interval=10,
        keepalive_count_max=3,
    )


def fingerprint(key: asyncssh.SSHKey) -> str:
    """`type SHA256:…`."""
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


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


def _meaning(target: Target, client: Client, error: OSError | asyncssh.Error) -> SshError:
    """The SshError for a failure before the login; it quotes the library's reason only where we know no better."""
    reason = error.reason if isinstance(error, asyncssh.Error) else _os_reason(error)
    if client.shown is not None:
        return say.wrong_key(target, fingerprint(client.shown), fingerprint(_host_key(target)))
    if isinstance(error, asyncssh.PermissionDenied) or say.TOO_MANY in reason:
        return say.no_login(target, reason)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return say.no_common_algorithm(target, reason)
    if isinstance(error, ConnectionRefusedError):
        return say.refused(target)
    if client.connection is None:
        return say.unreachable(target, reason)
    return (
        say.turned_away(target, reason, client.said)
        if client.trusted
        else say.closed(target, reason, greeted=client.greeted)
    )


def _os_reason(error: OSError) -> str:
    # asyncio replaces the system's text by its own; a resolver's errors have negative numbers
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
