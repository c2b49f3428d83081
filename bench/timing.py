"""Seconds of the clock, of this machine's processors for the operator's programs, and for the hosts."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.hosts import cgroups
from lab.hosts.inventory import Host, LabError


@dataclass(frozen=True)
class Cost:
    """What one run took, in seconds."""

    wall: float
    operator: float
    """Processor, by the programs on the operator's machine."""
    hosts: float
    """Processor, by all hosts together."""


def cost(run: Callable[[], None], hosts: Sequence[Host]) -> Cost:
    """Runs it once."""
    operator, before, begun = _own(), _theirs(hosts), time.monotonic()
    run()
    return Cost(time.monotonic() - begun, _own() - operator, _theirs(hosts) - before)


def middle(costs: Sequence[Cost]) -> Cost:
    """The run that took the median time."""
    return sorted(costs, key=lambda each: each.wall)[len(costs) // 2]


def _own() -> float:
    """Processor of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _theirs(hosts: Sequence[Host]) -> float:
    return sum(_of(host) for host in hosts)


def _of(host: Host) -> float:
    for group in cgroups.groups(host):
        nanoseconds, counts = group / "cpuacct.usage", group / "cpu.stat"
        if nanoseconds.exists():
            return int(nanoseconds.read_text()) / 1e9
        if counts.exists() and (line := counts.read_text().split("\n")[0]).startswith("usage_usec"):
            return int(line.split()[1]) / 1e6
    raise LabError(f"{host.name} [power] no count of its processor. Fix: `lab host start {host.name}`.")
