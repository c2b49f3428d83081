"""What is wrong with a site file, and where: the lines that the operator reads."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

from components.problem import Key, dotted
from stacks.shown import escaped

ALIKE = 10
"""So many hosts with one fault get a line each; more share one."""


class Mark(NamedTuple):
    """Where a key is written, and its number in the file's own spelling (1.30 is the number 1.3)."""

    file: str
    line: int | None
    number: str = ""


class Fault(NamedTuple):
    """One thing that is wrong with a site; its str() is what the operator reads."""

    mark: Mark
    key: Key
    text: str

    def __str__(self) -> str:
        line = "" if self.mark.line is None else f":{self.mark.line}"
        return f"{self.mark.file}{line} {f'{escaped(dotted(self.key))}: ' if self.key else ''}{self.text}"


class SiteError(Exception):
    """A site that cannot be used. `faults` has every fault in the order of the file, `lines` what to print of them."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(dict.fromkeys(faults), key=lambda fault: (fault.mark.file, fault.mark.line or 0))
        self.lines = list(dict.fromkeys(_lines(self.faults)))
        super().__init__("\n".join(self.lines))


class NoSiteError(SiteError):
    """There is no such site."""


def _lines(faults: Sequence[Fault]) -> Iterator[str]:
    """A line for each fault; one for all hosts with the same, where they are many."""
    alike: dict[tuple[object, ...], list[Fault]] = {}
    for fault in faults:
        of_a_host = fault.key[:1] == ("hosts",) and len(fault.key) > 1
        same = (fault.mark.file, *fault.key[2:], fault.text) if of_a_host else (fault,)
        alike.setdefault(same, []).append(fault)
    for found in alike.values():
        hosts = list(dict.fromkeys(str(fault.key[1]) for fault in found if len(fault.key) > 1))
        if len(hosts) <= ALIKE:
            yield from map(str, found)
        else:
            others = NodeSet.fromlist(hosts[1:], resolver=RESOLVER_NOGROUP)
            yield f"{found[0]} The same for {len(hosts) - 1:,} hosts more: {others}."
