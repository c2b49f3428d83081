"""How a verb ends: Pulumi's own exit codes (its sdk/go/common/util/cmdutil/exit.go)."""

from collections.abc import Sequence
from enum import IntEnum

from components.hostrun.report import NO_ACCESS, Report


class Code(IntEnum):
    """Exit statuses."""

    YES = 0
    NO = 1
    WRONG = 2
    NO_ACCESS = 3
    NOT_ASKED = 4
    POLICY = 5
    NO_SITE = 6
    STOPPED = 8
    TIME_UP = 9
    OWN_FAULT = 255


class Stop(Exception):  # noqa: N818 (an end, not always an error)
    """Ends the verb with a code; `lines` go to stderr."""

    def __init__(self, code: Code, lines: Sequence[str]) -> None:
        super().__init__(code, *lines)
        self.code = code
        self.lines = lines


def code_of(report: Report) -> Code:
    """The status of a report: time is up, else a host did not answer, else one refused access, else a check failed."""
    unknown = {check.id for check in report.untrue if check.status == "unknown"}
    if "time" in unknown:
        return Code.TIME_UP
    if unknown - NO_ACCESS:
        return Code.NOT_ASKED
    if unknown:
        return Code.NO_ACCESS
    return Code.YES if report.ok else Code.NO
