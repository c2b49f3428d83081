"""Switches hosts on and off. A host that is on has a supervisor, host.sh, which holds RUN/NAME.lock."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from lab import paths
from lab.hosts import cgroups, disk
from lab.hosts.command import run
from lab.hosts.inventory import BRIDGE, Host, LabError
from lab.hosts.machine import SBIN

SCRIPT = Path(__file__).with_name("host.sh")
SHUTDOWN_SIGNAL = signal.SIGTERM  # systemd-nspawn -b passes it on as an orderly shutdown


def is_on(host: Host) -> bool:
    """Whether the host is supervised: on, booting or shutting down."""
    lock = paths.RUN / f"{host.name}.lock"
    if not lock.exists():
        return False
    with lock.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def answers(host: Host, deadline: float = 1) -> bool:
    """Whether sshd greets."""
    try:
        with socket.create_connection((host.address, 22), deadline) as connection:
            connection.settimeout(deadline)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def switch_on(host: Host, base: Path) -> None:
    """Clears what a killed lab left of the host and starts its supervisor, which outlives the caller."""
    if is_on(host):
        return
    clear(host)
    disk.prepare(host, base)
    paths.LOG.mkdir(parents=True, exist_ok=True)
    with log_of(host).open("w") as output, (paths.RUN / f"{host.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the supervisor inherits it
        words = [host.name, disk.lower(host, base), str(disk.folder(host)), str(paths.RUN), BRIDGE, str(lock.fileno())]
        subprocess.Popen(
            ["unshare", "--mount", "--propagation", "slave", "bash", str(SCRIPT), *words],
            pass_fds=[lock.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": SBIN},
            start_new_session=True,
        )


def wait(host: Host, deadline: float = 180) -> None:
    """Returns when the host's sshd greets; LabError with the last lines of its console when it went off or is late."""
    ends = time.monotonic() + deadline
    while not answers(host):
        on = is_on(host)
        if not on or time.monotonic() > ends:
            untrue = f"sshd did not answer in {deadline:g} s" if on else "went off"
            console = " / ".join(log_of(host).read_text(errors="replace").strip().splitlines()[-3:])
            raise LabError(f"{host.name} [boot] {untrue} ({console}). Fix: see {log_of(host)}.")
        time.sleep(0.1)


def switch_off(host: Host, grace: float = 15) -> None:
    """Shuts the host down in order; kills what is left of it after the grace."""
    pid = cgroups.init(host)
    if pid is not None and is_on(host):
        cgroups.freeze(host, frozen=False)
        hold(host, held=True)
        os.kill(_parent(pid), SHUTDOWN_SIGNAL)
        ends = time.monotonic() + grace
        while is_on(host) and time.monotonic() < ends:
            time.sleep(0.05)
    clear(host)


def clear(host: Host) -> None:
    """Kills supervisor and host, removes groups, cable and marks, as far as they exist."""
    hold(host, held=True)
    while True:
        cgroups.clear(host)
        if not is_on(host):
            break
        time.sleep(0.05)
    link = Path("/sys/class/net", host.link)
    if link.exists():
        try:
            run("ip", "link", "delete", host.link)
        except LabError:
            if link.exists():  # else: it went by itself, with the host's network, while we looked
                raise
    left = Path("/run/systemd/nspawn/propagate", host.name)  # systemd-nspawn keeps it where /run is a disk
    if left.exists():
        left.rmdir()
    (paths.RUN / f"{host.name}.lock").unlink(missing_ok=True)
    hold(host, held=False)


def hold(host: Host, *, held: bool) -> None:
    """While held, a host that reboots itself stays off."""
    mark = paths.RUN / f"{host.name}.hold"
    if held:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)


def log_of(host: Host) -> Path:
    """The host's console."""
    return paths.LOG / f"{host.name}.log"


def _parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])
