"""What ssh.py promises, by asyncssh."""

import asyncio
import time
from contextlib import suppress

from components.hostrun import target as say
from components.hostrun.dial import Client, connect, explained, fingerprint
from components.hostrun.line import Line, line
from components.hostrun.result import HostKey, Result
from components.hostrun.sshlib import asyncssh
from components.hostrun.sudo import sudo_error
from components.hostrun.target import Target

CONNECT_LIMIT = 15.0
"""Seconds for the login; a host that needs longer counts as hanging."""
OUTPUT_LIMIT = 8 << 20
"""Bytes kept of stdout and of stderr each; the rest is read and dropped, with a note at the end."""

REFUSALS = 3
"""Times that a command alone on its line may be refused: sshd may not have noticed yet that the last one ended."""


async def run(target: Target, command: str, *, stdin: bytes, deadline: float, root: bool) -> Result:
    """As ssh.run."""
    by_sudo = root and target.sudo and target.user != "root"
    start, end = time.monotonic(), asyncio.get_running_loop().time() + deadline
    used = await line(target, min(deadline, CONNECT_LIMIT))
    try:
        async with asyncio.timeout_at(end):
            result = await _in_turn(used, target, f"sudo -n {command}" if by_sudo else command, stdin)
    except TimeoutError:
        raise say.too_long(target, command, deadline) from None
    except (OSError, asyncssh.Error):
        raise say.lost(target, command, time.monotonic() - start) from None
    if result is None:
        raise say.lost(target, command, time.monotonic() - start)
    if by_sudo and (error := sudo_error(target, result.status, result.stderr)):
        raise error
    return result


async def scan(target: Target, deadline: float) -> HostKey:
    """As ssh.scan."""
    client = Client()
    start = time.monotonic()
    tunnel = (await line(target.bastion, deadline)).connection if target.bastion else None
    async with explained(target, client, deadline - (time.monotonic() - start)):
        with suppress(asyncssh.HostKeyNotVerifiable):
            await connect(target, client, tunnel, None, None)
    shown = client.shown
    assert shown is not None  # noqa: S101 (no key is trusted, so one was refused)
    return HostKey(" ".join(shown.export_public_key().decode().split()[:2]), fingerprint(shown))


async def _in_turn(used: Line, target: Target, command: str, stdin: bytes) -> Result | None:
    """Runs a command beside the others on the line, as many as sshd allows. None as in _execute."""
    refused = 0
    while True:
        async with used.sessions:
            used.busy += 1
            try:
                result = await _execute(used.connection, command, stdin)
                used.heard = time.monotonic()
                return result
            except asyncssh.ChannelOpenError as error:
                if used.lost:
                    return None
                # sshd's MaxSessions is reached: try again when other commands end. A command alone would wait in vain.
                refused = refused + 1 if used.busy == 1 else 0
                if refused == REFUSALS:
                    raise say.no_session(target, error.reason) from None
            finally:
                used.busy -= 1
        await asyncio.sleep(0.1)


async def _execute(connection: asyncssh.SSHClientConnection, command: str, stdin: bytes) -> Result | None:
    """None when the connection ended before the command did."""
    process: asyncssh.SSHClientProcess[bytes] = await connection.create_process(command, encoding=None)
    try:
        out, err, _ = await asyncio.gather(_read(process.stdout), _read(process.stderr), _feed(process.stdin, stdin))
        await process.wait_closed()
    finally:
        process.close()
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
