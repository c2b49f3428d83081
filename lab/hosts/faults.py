"""Breaks hosts as metal and networks do, for tests.

It cannot emulate the loss of unsynced writes (a killed host loses no page cache), real delay, or a wrong clock.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from lab.hosts import cgroups, power
from lab.hosts.command import run
from lab.hosts.inside import boot_id, enter, run_in, snapshot
from lab.hosts.inventory import Host, LabError

__all__ = ["boot_id", "cut", "freeze", "full_disk", "lose", "mend", "no_restart", "power_cut", "read_only"]
__all__ += ["rebooted", "refuse", "run_in", "snapshot", "thaw"]

TABLE = "lab_fault"
INPUT = {"input": "iifname"}
BOTH = {**INPUT, "output": "oifname"}


def power_cut(host: Host) -> None:
    """The host is gone at once and stays off. Its link goes down first: otherwise peers would get an orderly FIN."""
    pid = cgroups.init(host)
    if pid is None:
        raise LabError(f"{host.name} [power] is off. Fix: `python -m lab host start {host.name}`.")
    run("ip", "link", "set", host.link, "down")
    os.kill(pid, signal.SIGKILL)
    power.clear(host)


def freeze(host: Host) -> None:
    """A hang: TCP connects, but the host sends nothing."""
    cgroups.freeze(host, frozen=True)


def thaw(host: Host) -> None:
    """Ends freeze()."""
    cgroups.freeze(host, frozen=False)


def cut(host: Host) -> None:
    """The cable is out: no packet comes or goes."""
    _filter(host, "drop")


def refuse(host: Host) -> None:
    """Every TCP connection to the host is refused."""
    _filter(host, "meta l4proto tcp reject with tcp reset", ways=INPUT)  # a rule on output would block the reset itself


def lose(host: Host, percent: int) -> None:
    """`percent` of the packets are lost, in each direction."""
    _filter(host, f"numgen random mod 100 < {percent} drop")


def only_from(host: Host, port: int, address: str) -> None:
    """Until the host is off, this TCP port of it answers that address only, as behind a gateway."""
    rule = f"tcp dport {port} ip saddr != {{ {address}, 127.0.0.1 }} drop"
    _nft(host, f"table inet lab_gateway {{\nchain input {{ type filter hook input priority -300; {rule}; }}\n}}\n")


def mend(host: Host) -> None:
    """Ends cut(), refuse() and lose(), if one is active."""
    _nft(host, f"table inet {TABLE}\ndelete table inet {TABLE}\n")


@contextmanager
def full_disk(host: Host, path: str, size: str = "64k", inodes: int = 20) -> Iterator[None]:
    """The folder is a file system of that size, empty, until the end of the block."""
    run_in(host, ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes},mode=0755", "lab-full", path])
    try:
        yield
    finally:
        run_in(host, ["umount", "--lazy", path])


@contextmanager
def read_only(host: Host, path: str) -> Iterator[None]:
    """The folder cannot be written, until the end of the block."""
    run_in(host, ["mount", "--bind", path, path])
    try:
        run_in(host, ["mount", "-o", "remount,bind,ro", path])
        yield
    finally:
        run_in(host, ["umount", "--lazy", path])


@contextmanager
def no_restart(host: Host) -> Iterator[None]:
    """A host that reboots itself in the block stays off."""
    power.hold(host, held=True)
    try:
        yield
    finally:
        power.hold(host, held=False)


def rebooted(host: Host, before: str, deadline: float = 60) -> None:
    """Returns when sshd answers on another boot than `before`."""
    ends = time.monotonic() + deadline
    while time.monotonic() < ends:
        with suppress(LabError):  # the host may go down meanwhile
            if power.answers(host) and boot_id(host) != before:
                return
        time.sleep(0.1)
    raise LabError(f"{host.name} [boot] is not back within {deadline:g} s. Fix: see {power.log_of(host)}.")


def _filter(host: Host, verdict: str, ways: Mapping[str, str] = BOTH) -> None:
    chains = "".join(
        f"chain {hook} {{ type filter hook {hook} priority -300; {device} != lo {verdict}; }}\n"
        for hook, device in ways.items()
    )
    _nft(host, f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{chains}}}\n")


def _nft(host: Host, rules: str) -> None:
    """Runs this machine's nft in the host's network, so that the host needs none."""
    done = enter(host, ["-n"], ["nft", "-f", "-"], rules, 10)
    if done.returncode:
        raise LabError(f"{host.name} [nft] {done.stderr.strip()}")
