"""Dialling as pulumi-command 1.2.1 does it, faults included: its timeout covers TCP only, so it waits without
end for a host that accepts and sends nothing, and it checks a deadline only between tries.

Differences: through a bastion the official plugin retries a failed handshake on the connection that is already broken,
in vain; here such a handshake fails at once. An encrypted key must be in PKCS#8: for the format of OpenSSH asyncssh
needs bcrypt, which the lock does not have.
"""

import asyncio
import functools
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from components.hostrun.sshlib import asyncssh
from lab.plugins.serve import Message, PluginError, Provider

_T = TypeVar("_T")
_KnownHosts = tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]] | None
_FIRST_WAIT, _GROWTH, _LONGEST_WAIT = 0.1, 1.5, 5.0


class DialError(PluginError):
    """One try failed; another may do better."""


@dataclass
class Dialling:
    """What bounds and follows the tries: the operation's timeout (0 = none), Cancel, and a place to say `retrying`."""

    timeout: float
    cancelled: asyncio.Event
    say: Callable[[str], Awaitable[None]]


def dialling(provider: Provider, request: Message) -> Dialling:
    """For an operation of that provider."""
    say = functools.partial(provider.engine.log, request.urn, passing=True)
    return Dialling(request.timeout, provider.cancelled, say)


async def dial(connection: dict[str, Any], dialling: Dialling) -> asyncssh.SSHClientConnection:
    """An SSH connection to the host, over its proxy where one is given.

    Raises PluginError: the tries are used up, time is up, cancelled, or a key or agent cannot be used at all.
    """
    deadline = asyncio.get_running_loop().time() + dialling.timeout if dialling.timeout else None
    options = await _options(connection)
    proxy = connection.get("proxy")
    if proxy is None:
        return await _retry("Dial", connection, dialling, deadline, lambda: _direct(connection, options))
    try:
        proxy_options = await _options(proxy)
        bastion = await _retry("Dial proxy", proxy, dialling, deadline, lambda: _direct(proxy, proxy_options))
        return await _retry(
            "Dial from proxy", connection, dialling, deadline, lambda: _through(bastion, connection, options)
        )
    except PluginError as error:
        raise PluginError(f"proxy: {error}") from None


async def _retry(
    what: str,
    connection: dict[str, Any],
    dialling: Dialling,
    deadline: float | None,
    attempt: Callable[[], Awaitable[_T]],
) -> _T:
    limit, wait, tries = connection["dialErrorLimit"], _FIRST_WAIT, 0
    while True:
        try:
            return await attempt()
        except DialError as error:
            tries += 1
            if -1 < limit < tries:
                raise PluginError(f"after {tries - 1} failed attempts: {error}") from None
        await dialling.say(f"{what} {tries}/{'inf' if limit == -1 else limit} failed: retrying")
        await _pause(wait, dialling.cancelled, deadline)
        wait = min(wait * _GROWTH, _LONGEST_WAIT)


async def _pause(wait: float, cancelled: asyncio.Event, deadline: float | None) -> None:
    left = deadline - asyncio.get_running_loop().time() if deadline is not None else wait
    try:
        await asyncio.wait_for(cancelled.wait(), max(0.0, min(wait, left)))
    except TimeoutError:
        if left < wait:
            raise PluginError("context deadline exceeded") from None
        return
    raise PluginError("context canceled")


async def _options(connection: dict[str, Any]) -> dict[str, Any]:
    """asyncssh's options; nothing of the operator's own SSH configuration is used."""
    keys: list[Any] = []
    if connection.get("privateKey") is not None:
        try:
            keys.append(asyncssh.import_private_key(connection["privateKey"], connection.get("privateKeyPassword")))
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise PluginError(f"ssh: {error}") from None
    if agent := connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"):
        keys += await _agent_keys(agent)
    return {
        "username": connection["user"],
        "password": connection.get("password"),
        "client_keys": keys or None,
        "agent_path": None,
        "known_hosts": _pinned(connection.get("hostKey")),
        "config": None,
        "login_timeout": 0,
    }


async def _agent_keys(path: str) -> list[Any]:
    try:
        _, writer = await asyncio.open_unix_connection(path)
        writer.close()
        return list(await asyncssh.SSHAgentClient(path).get_keys())
    except OSError as error:
        raise PluginError(f"dial unix {path}: connect: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:  # asyncssh's word for an agent that answers nothing sensible
        raise PluginError(f"ssh agent {path}: {error}") from None


def _pinned(host_key: str | None) -> _KnownHosts:
    """Without a host key none is checked, as in the official plugin."""
    if host_key is None:
        return None
    try:
        return [asyncssh.import_public_key(host_key)], [], []
    except asyncssh.KeyImportError as error:
        raise PluginError(f"failed to parse host key: {error}") from None


async def _direct(connection: dict[str, Any], options: dict[str, Any]) -> asyncssh.SSHClientConnection:
    sock = await _tcp(connection["host"], int(connection["port"]), connection["perDialTimeout"])
    try:
        return await _handshake(connection, options, sock=sock)
    except DialError:
        sock.close()
        raise


async def _through(
    bastion: asyncssh.SSHClientConnection, connection: dict[str, Any], options: dict[str, Any]
) -> asyncssh.SSHClientConnection:
    try:
        return await _handshake(connection, options, tunnel=bastion)
    except asyncssh.ChannelOpenError as error:
        raise DialError(f"ssh: rejected: connect failed ({error.reason})") from None
    except DialError as error:
        raise PluginError(str(error)) from None


async def _tcp(host: str, port: int, timeout: float) -> socket.socket:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        async with asyncio.timeout(timeout or None):
            return await _first(host, port)
    except TimeoutError:
        raise DialError(f"dial tcp {address}: i/o timeout") from None
    except socket.gaierror:
        raise DialError(f"dial tcp: lookup {host}: no such host") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise DialError(f"dial tcp {address}: connect: {reason.lower()}") from None


async def _first(host: str, port: int) -> socket.socket:
    """A socket to the first of the host's addresses that answers."""
    loop = asyncio.get_running_loop()
    failure = OSError(f"no address for {host}")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


async def _handshake(
    connection: dict[str, Any], options: dict[str, Any], **way: object
) -> asyncssh.SSHClientConnection:
    try:
        return await asyncssh.connect(connection["host"], int(connection["port"]), **options, **way)
    except asyncssh.ChannelOpenError:
        raise
    except asyncssh.HostKeyNotVerifiable:
        raise DialError("ssh: handshake failed: ssh: host key mismatch") from None
    except asyncssh.PermissionDenied:
        tried = "none" + " publickey" * bool(options["client_keys"]) + " password" * bool(options["password"])
        raise DialError(
            "ssh: handshake failed: ssh: unable to authenticate, "
            f"attempted methods [{tried}], no supported methods remain"
        ) from None
    except (asyncssh.Error, OSError) as error:
        raise DialError(f"ssh: handshake failed: {error}") from None
