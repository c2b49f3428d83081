"""One remote command: environment, stdin, live log, outputs, and the error text of the official plugin.

One difference: with logging on, the official plugin hangs for ever on a line over 64 KiB; here the line is logged.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from asyncssh.channel import SSHClientChannel
from asyncssh.packet import String

from components.hostrun.sshlib import asyncssh
from lab.plugins.serve import PluginError, quoted

_LOGGED: dict[str, tuple[bool, bool]] = {
    "stdout": (True, False),
    "stderr": (False, True),
    "stdoutAndStderr": (True, True),
    "none": (False, False),
}
PREVIOUS_OUTPUT = ("PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR")


@dataclass(frozen=True)
class Outcome:
    """What a command that ended well printed, less one trailing newline each."""

    stdout: str
    stderr: str


class _Collector(asyncssh.SSHClientSession[bytes]):
    """Both streams, apart and together; complete lines of the logged ones go to a queue."""

    def __init__(self, logging: str, lines: asyncio.Queue[str | None]) -> None:
        self.stdout, self.stderr, self.both = bytearray(), bytearray(), bytearray()
        self._logged, self._lines, self._rest = _LOGGED[logging], lines, b""

    def data_received(self, data: bytes, datatype: int | None) -> None:
        is_error = datatype is not None
        (self.stderr if is_error else self.stdout).extend(data)
        self.both.extend(data)
        if self._logged[is_error]:
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._lines.put_nowait(_text(line))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        if self._rest:
            self._lines.put_nowait(_text(self._rest))
        self._lines.put_nowait(None)


def _text(data: bytes | bytearray) -> str:
    return data.decode(errors="replace")


async def run(
    connection: asyncssh.SSHClientConnection,
    command: str,
    state: Mapping[str, Any],
    log: Callable[[str], Awaitable[None]],
    warn: Callable[[str], Awaitable[None]],
) -> Outcome:
    """Run `command` with the state's stdin, environment and logging. Raises PluginError when it does not end with 0."""
    environment = await _environment(connection, state, warn)
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    collector = _Collector(state["logging"], lines)
    try:
        channel, _ = await connection.create_session(
            lambda: collector, command, encoding=None, env=[f"{key}={text}" for key, text in environment.items()]
        )
    except (asyncssh.Error, OSError) as error:
        raise PluginError(f"ssh: {error}") from None
    with contextlib.suppress(OSError):  # a command that does not read its stdin may have ended before
        if stdin := state.get("stdin"):
            channel.write(stdin.encode())
        channel.write_eof()
    while (line := await lines.get()) is not None:
        await log(line)
    await channel.wait_closed()
    if failure := _failure(channel):
        raise PluginError(f"{failure}: running {quoted(command)}:\n{_text(collector.both)}")
    return Outcome(_text(collector.stdout).removesuffix("\n"), _text(collector.stderr).removesuffix("\n"))


def _failure(channel: asyncssh.SSHClientChannel[bytes]) -> str:
    """Go's words for an exit that is not 0; empty when all is well."""
    if (signal := channel.get_exit_signal()) is not None:
        name, _, message, _ = signal
        return f"Process exited with status {channel.get_returncode()} from signal {name}. Reason was: {message}"
    status = channel.get_exit_status()
    if status is None:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {status}" if status else ""


async def _environment(
    connection: asyncssh.SSHClientConnection, state: Mapping[str, Any], warn: Callable[[str], Awaitable[None]]
) -> dict[str, str]:
    """The variables that sshd accepts. A refusal is fatal for the user's own, a warning for the previous output."""
    own: dict[str, str] = state.get("environment") or {}
    previous = {}
    if state.get("addPreviousOutputInEnv", True):
        outputs = zip(PREVIOUS_OUTPUT, (state.get("stdout"), state.get("stderr")), strict=True)
        previous = {key: text for key, text in outputs if text}
    refused = await _refused(connection, {**own, **previous}) if own or previous else set()
    if refused & set(own):
        raise PluginError("ssh: setenv failed")
    for key in sorted(refused):
        await warn(
            f"Unable to set '{key}' environment variable. "
            "This only works if your SSH server is configured to accept these variables via AcceptEnv."
        )
    return {key: text for key, text in {**own, **previous}.items() if key not in refused}


async def _refused(connection: asyncssh.SSHClientConnection, environment: Mapping[str, str]) -> set[str]:
    """The names that sshd does not accept, asked on a channel of its own.

    asyncssh (like paramiko) sends `env` without wanting a reply, hence its inner calls here.
    """
    channel: Any = SSHClientChannel(connection, asyncio.get_running_loop(), "strict", None, "strict", 1 << 21, 1 << 15)
    try:
        await channel._open(b"session")
        return {
            key
            for key, text in environment.items()
            if not await channel._make_request(b"env", String(key), String(text))
        }
    except (asyncssh.Error, OSError) as error:
        raise PluginError(f"ssh: {error}") from None
    finally:
        channel.abort()
