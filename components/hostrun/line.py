"""Lines: SSH connections that stay open. All commands of one event loop share one line per host and login.

A Pulumi program, or one verb of sitectl, is one event loop: a host sees one login from it, and another after a restart.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from weakref import WeakKeyDictionary

from components.hostrun.dial import Client, explained, login
from components.hostrun.sshlib import asyncssh
from components.hostrun.target import Target

SESSIONS = 8
"""Commands at once on one line; sshd's own limit is MaxSessions, 10 by default."""
QUIET = 0.5
"""Seconds of silence after which a line is tested before use: the host may have gone meanwhile."""
TRIAL = 3.0
"""Seconds for that test; if it fails, a new connection is tried, whose error says what is wrong with the host."""


class Line:
    """One connection, from its attempt to log in onwards."""

    def __init__(self, target: Target, tunnel: asyncssh.SSHClientConnection | None) -> None:
        self.client = Client()
        self.sessions = asyncio.Semaphore(SESSIONS)
        self.busy = 0
        """Commands that run on it."""
        self.heard = 0.0
        """When it was last known to be alive, by time.monotonic."""
        self._waiting = 0
        self._login = asyncio.ensure_future(login(target, self.client, tunnel))

    @property
    def connection(self) -> asyncssh.SSHClientConnection:
        """The connection; the login must have succeeded (see `there`)."""
        return self._login.result()

    async def there(self) -> None:
        """Waits for the login, which is cancelled when its last waiter gives up. Raises what dial.login raises."""
        self._waiting += 1
        try:
            await asyncio.shield(self._login)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._login.done():
                self._login.cancel()

    @property
    def lost(self) -> bool:
        """True once the login has failed or the connection has closed."""
        if not self._login.done():
            return self._login.cancelling() > 0
        return self._login.cancelled() or self._login.exception() is not None or self.connection.is_closed()

    async def answers(self, limit: float) -> bool:
        """True while connecting, when recently active, or when a test command ends in time."""
        if self.lost:
            return False
        if not self._login.done() or time.monotonic() - self.heard < QUIET:
            return True
        try:
            async with asyncio.timeout(limit), self.sessions:
                await self.connection.run("true", stdin=asyncssh.DEVNULL)
        except (TimeoutError, OSError, asyncssh.Error):
            return False
        self.heard = time.monotonic()
        return True

    async def end(self) -> None:
        """Closes without waiting for the host: a frozen one would never confirm."""
        self._login.cancel()
        if self._login.done() and not self.lost:
            self.connection.abort()
            await self.connection.wait_closed()


class _Lines(dict[Target, Line]):
    """The lines of one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.keeper = _keeper(self)


_kept: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Lines]" = WeakKeyDictionary()


async def line(target: Target, limit: float) -> Line:
    """The line to a host, logged in within `limit` seconds; for a host behind a bastion, through the bastion's line.

    Raises SshError.
    """
    start = time.monotonic()
    tunnel = (await line(target.bastion, limit)).connection if target.bastion else None
    lines, way = await _lines(), target.way
    found = lines.get(way)
    if found is None or not await found.answers(min(TRIAL, limit / 2)):
        if lines.get(way) is found:  # else another task has replaced it already
            lines[way] = Line(target, tunnel)
            if found:
                await found.end()
        found = lines[way]
    async with explained(target, found.client, limit - (time.monotonic() - start)):
        await found.there()
    found.heard = time.monotonic()
    return found


async def _lines() -> _Lines:
    loop = asyncio.get_running_loop()
    if loop not in _kept:
        _kept[loop] = _Lines()
        await anext(_kept[loop].keeper)
    return _kept[loop]


async def _keeper(lines: _Lines) -> AsyncGenerator[None, None]:
    """Ends the lines when their event loop shuts down: asyncio.run then closes its generators, and so this one."""
    try:
        yield
    finally:
        while lines:
            await lines.popitem()[1].end()
