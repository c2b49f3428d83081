"""The depot's processes: started apart from the caller, known by pid and start time, ended by that pid only."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.hosts.inventory import LabError
from lab.paths import LAB, LOG

Say = Callable[[str], None]
"""Where a line about progress goes."""

RUN = LAB / "depot"
PATIENCE = 10


def running(name: str) -> int | None:
    """The process id, if the process that was started under this name still runs."""
    try:
        pid, started = (RUN / f"{name}.pid").read_text().split()
    except (FileNotFoundError, ValueError):  # none, or one that is being written
        return None
    return int(pid) if _started(int(pid)) == started else None


def start(name: str, argv: list[str]) -> None:
    """Starts a process under this name; its output goes to the lab's log folder."""
    RUN.mkdir(parents=True, exist_ok=True)
    LOG.mkdir(parents=True, exist_ok=True)
    with log(name).open("ab") as out:
        # A session of its own: an interrupted `make up` does not take it along.
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    (RUN / f"{name}.pid").write_text(f"{process.pid} {_started(process.pid)}")


def stop(name: str) -> None:
    """Ends the process of this name and waits until it is gone, if it runs. Raises LabError when it stays."""
    if pid := running(name):
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(pid, signal_number)
            if _gone(name):
                break
        else:
            raise LabError(f"depot [{name}] process {pid} does not end")
    (RUN / f"{name}.pid").unlink(missing_ok=True)


def log(name: str) -> Path:
    """The file with the process's output."""
    return LOG / f"depot-{name}.log"


def _gone(name: str) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not running(name):
            return True
        time.sleep(0.02)
    return False


def _started(pid: int) -> str:
    """The start time in clock ticks since boot: with it a pid that was given to another process is not taken for ours.

    Empty for a process that is not there or has ended and waits for its parent.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]
