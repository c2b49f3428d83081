"""Checks of hosts and their results: the one form of every verdict, whichever command prints it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from components.hostrun.target import SshError

Status = Literal["ok", "note", "failed", "unknown", "skipped"]
"""`note`: it holds, and says something that people should know."""

NO_ACCESS = frozenset({"login", "host-key", "sudo"})
"""Ids of the checks whose failure means: the host answers, but does not let us in."""


@dataclass(frozen=True)
class Check:
    """One check of one host; `unknown` when the host could not be asked."""

    id: str
    host: str
    status: Status
    saw: str = ""
    want: str = ""
    fix: str = ""

    def __str__(self) -> str:
        parts = [self.saw, f"Wanted: {self.want}" if self.want else "", f"Fix: {self.fix}" if self.fix else ""]
        return f"{self.host} [{self.id}] " + " ".join(f"{part.rstrip('.')}." for part in parts if part)


def said(id_: str, host: str, status: Status, text: str) -> Check:
    """A check from one text of the form `what is untrue. Fix: …`."""
    saw, _, fix = text.partition("Fix: ")
    return Check(id_, host, status, saw.strip(), fix=fix.strip())


def unreachable(error: SshError) -> Check:
    """The only check of a host that could not be asked."""
    return said(error.check_id, error.host, "unknown", error.message)


@dataclass(frozen=True)
class Report:
    """All checks of all hosts; `facts` has each host's facts about itself, when they were asked for."""

    checks: Sequence[Check]
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when no check failed or is unknown."""
        return not self.untrue

    @property
    def untrue(self) -> list[Check]:
        """The checks that failed or are unknown."""
        return [check for check in self.checks if check.status in {"failed", "unknown"}]

    @property
    def hosts(self) -> list[str]:
        """The hosts, in the order in which they were asked."""
        return list(dict.fromkeys(check.host for check in self.checks))

    def as_json(self, site: str, time: str) -> dict[str, Any]:
        """The documented form: keys are only added, never renamed."""
        return {
            "ok": self.ok,
            "site": site,
            "time": time,
            "checks": [asdict(check) for check in self.checks],
            "failures": list(dict.fromkeys(check.id for check in self.untrue)),
        }
