"""`sitectl drift`: each host answers from its own ledger whether what was applied still holds. Changes nothing.

Rows: X4.
"""

from dataclasses import replace

from components.hostrun import said
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, Report, unreachable
from components.hostrun.report import said as check_said
from components.hostrun.step import RUNNER
from components.hostrun.target import SshError, Target

HOST_LIMIT = 120.0
"""Seconds for one host: its checks ask apt and systemd, too."""
MEND = "sitectl drift --record, then pulumi up"
"""The line that brings back what was applied."""


async def drift(fleet: Fleet) -> Report:
    """One check for each step in each ledger; one `runner` check for a host that has no ledger."""

    async def ask(target: Target) -> list[Check]:
        result = await fleet.ask(target, f"{RUNNER} check --json", deadline=HOST_LIMIT)
        if said.no_runner(result):
            return [Check("runner", target.name, "failed", "nothing was ever applied here.", fix="pulumi up")]
        return [as_check(target.name, step) for step in said.steps(target.name, result)]

    checks: list[Check] = []
    for answer in (await fleet.each(ask)).values():
        checks += [unreachable(answer)] if isinstance(answer, SshError) else answer
    return Report(checks)


def as_check(host: str, step: said.StepSaid) -> Check:
    """A step of a ledger as a check, `layer/step`. The fix names `pulumi up` where that mends it."""
    id_ = f"{step.layer}/{step.step}"
    if step.status == "ok":
        return Check(id_, host, "ok")
    found = check_said(id_, host, "failed" if step.status == "drift" else "unknown", step.says)
    return found if found.fix else replace(found, fix=MEND)
