"""A TCP connection to an address as a host sees it, inside our own SSH line to that host.

Nothing listens on this machine meanwhile, and the names are resolved on the host. For code that runs in threads.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from components.hostrun.line import line
from components.hostrun.sshlib import asyncssh
from components.hostrun.target import SshError, Target

T = TypeVar("T")

_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []
_pumps: set[asyncio.Task[None]] = set()


class NoStreamError(Exception):
    """No host opened the connection. str() has each one's reason."""


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Runs asyncio code in a loop of its own thread, which keeps the SSH lines, and waits for its end."""
    with _lock:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, name="streams", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work, _loops[0]).result()


def stream(targets: Sequence[Target], host: str, port: int, limit: float) -> socket.socket:
    """A socket that is connected to the address through the first of the hosts that can, each given `limit` seconds.

    Raises NoStreamError.
    """
    return wait(_first(targets, host, port, limit))


async def _first(targets: Sequence[Target], host: str, port: int, limit: float) -> socket.socket:
    reasons = []
    for target in targets:
        try:
            used = await line(target, limit)
            async with asyncio.timeout(limit):
                reader, writer = await used.connection.open_connection(host, port)
        except SshError as error:
            reasons.append(str(error))
        except TimeoutError:
            reasons.append(f"{target.name}: {host}:{port} did not answer it within {limit:g} s")
        except (OSError, asyncssh.Error) as error:
            why = error.reason if isinstance(error, asyncssh.Error) else str(error)
            reasons.append(f"{target.name}: {why} ({host}:{port})")
        else:
            return _socket(reader, writer)
    raise NoStreamError("; ".join(reasons))


def _socket(reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> socket.socket:
    near, far = socket.socketpair()
    far.setblocking(False)
    for pump in (_in(reader, far), _out(far, writer)):
        task = asyncio.ensure_future(pump)
        _pumps.add(task)
        task.add_done_callback(_pumps.discard)
    return near


async def _in(reader: asyncssh.SSHReader[bytes], far: socket.socket) -> None:
    """From the host to this machine; ends the connection when the other side does."""
    loop = asyncio.get_running_loop()
    try:
        while data := await reader.read(1 << 16):
            await loop.sock_sendall(far, data)
    except (OSError, asyncssh.Error):
        pass  # the side that still waits sees the end of the connection
    finally:
        _end(far)


async def _out(far: socket.socket, writer: asyncssh.SSHWriter[bytes]) -> None:
    """From this machine to the host."""
    loop = asyncio.get_running_loop()
    try:
        while data := await loop.sock_recv(far, 1 << 16):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncssh.Error):
        pass  # as above
    finally:
        writer.close()
        far.close()


def _end(far: socket.socket) -> None:
    try:
        far.shutdown(socket.SHUT_RDWR)
    except OSError:
        far.close()
