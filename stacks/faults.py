"""What is wrong with a site file, and where: the lines that the operator reads."""

from typing import NamedTuple

from components.problem import Key, dotted


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
        return f"{self.mark.file}{line} {f'{dotted(self.key)}: ' if self.key else ''}{self.text}"


class SiteError(Exception):
    """A site that cannot be used. `lines` has every fault, in the order of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        ordered = sorted(faults, key=lambda fault: (fault.mark.file, fault.mark.line or 0))
        self.lines = list(dict.fromkeys(str(fault) for fault in ordered))
        super().__init__("\n".join(self.lines))


class NoSiteError(SiteError):
    """There is no such site."""
