"""Processes that a dead run has left: plugins and programs that would go on to change hosts, with nobody to record it.

The `pulumi` of tools/pulumi/private_tmp.sh marks all that it starts with its own process and the time when that began.
It ends them when it ends; where it was killed with everything around it, `sitectl recover` does.
"""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MARK = b"GPU_METAL_CLI="
PATIENCE = 10.0
"""Seconds to end by itself."""

_PROC = Path("/proc")


@dataclass(frozen=True)
class Orphan:
    """A process whose run is dead."""

    pid: int
    name: str
    run: str
    """The run's process and its start time, `PID.TICKS`."""


def orphans() -> list[Orphan]:
    """Those of this user; for root, of all."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (run := _mark(int(entry.name))) and not _runs(run):
            found.append(Orphan(int(entry.name), _name(int(entry.name)), run))
    return sorted(found, key=lambda orphan: orphan.pid)


def end(found: list[Orphan]) -> list[str]:
    """Ends them and waits until they have ended. Returns a line for each."""
    return [
        f"ended {orphan.name} (pid {orphan.pid}), which a run that was killed had left"
        for orphan in found
        if _end(orphan)
    ]


def _end(orphan: Orphan) -> bool:
    with _held(orphan.pid) as process:
        # The number may have gone to another process since it was seen; from here on it cannot.
        if process is None or _mark(orphan.pid) != orphan.run:
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, number)
            if select.select([process], [], [], PATIENCE)[0]:
                return True
    return False


@contextmanager
def _held(pid: int) -> Iterator[int | None]:
    """A handle of the process, which no other can take over; None when it has ended."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield process
    finally:
        os.close(process)


def _mark(pid: int) -> str:
    """The run that started a process; empty for any other, and for another user's."""
    try:
        words = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((word.removeprefix(MARK).decode() for word in words if word.startswith(MARK)), "")


def _runs(run: str) -> bool:
    """Whether the run's own process is alive: that number, begun at that time, and no zombie."""
    pid, _, began = run.partition(".")
    try:
        fields = (_PROC / pid / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return False
    return fields[0] != "Z" and fields[19] == began


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "a process"
