"""The control groups of a host: lab-NAME below every hierarchy of cgroup v1, or below the one of v2 (not tried yet)."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from lab.hosts.inventory import Host, LabError

ROOT = Path("/sys/fs/cgroup")


def groups(host: Host) -> list[Path]:
    """The host's group in every hierarchy where it exists."""
    parents = [ROOT] if (ROOT / "cgroup.procs").exists() else sorted({path.resolve() for path in ROOT.iterdir()})
    return [group for group in (parent / f"lab-{host.name}" for parent in parents) if group.is_dir()]


def processes(those: Sequence[Path]) -> set[int]:
    """Every process in the groups. All groups of a host together have its systemd-nspawn too."""
    found: set[int] = set()
    for group in those:
        for folder in _inside(group):
            with contextlib.suppress(OSError):  # it has just been removed
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
    return found


def init(host: Host) -> int | None:
    """The machine's pid of the host's pid 1; None when the host is off."""
    own = Path("/proc/self/status").read_text()
    depth = len(next(line.split()[1:] for line in own.splitlines() if line.startswith("NSpid:")))
    for pid in sorted(processes(groups(host)[:1])):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        spaces = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
        if len(spaces) == depth + 1 and spaces[-1] == "1":
            return pid
    return None


def _inside(group: Path) -> list[Path]:
    """The group and all below it, as they are now: a host that dies removes its own while we look."""
    return [Path(folder) for folder, _, _ in os.walk(group)]


def freeze(host: Host, frozen: bool) -> None:
    """Stops or continues every process of the host at once; LabError when the host is off."""
    for group in groups(host):
        v1, v2 = group / "freezer.state", group / "cgroup.freeze"
        if v1.exists():
            v1.write_text("FROZEN" if frozen else "THAWED")
            return
        if v2.exists():
            v2.write_text("1" if frozen else "0")
            return
    raise LabError(f"{host.name} [power] is off. Fix: `lab host start {host.name}`.")


def clear(host: Host, deadline: float = 20) -> None:
    """Kills whatever is left of the host and removes its groups."""
    if groups(host):
        freeze(host, frozen=False)  # a frozen process cannot die
    ends = time.monotonic() + deadline
    while left := processes(groups(host)):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > ends:
            raise LabError(f"{host.name} [power] processes {sorted(left)} do not die. Fix: reboot this machine.")
        time.sleep(0.05)
    for group in groups(host):
        for child in sorted(_inside(group), reverse=True):
            with contextlib.suppress(FileNotFoundError):
                child.rmdir()
