"""`sitectl drift`: each host answers from its own ledger whether what was applied still holds. Changes nothing.

Rows: X4.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from components.hostrun import said
from components.hostrun.fleet import Fleet
from components.hostrun.owner import Owner
from components.hostrun.report import Check, Report, unreachable
from components.hostrun.report import said as check_said
from components.hostrun.step import RUNNER
from components.hostrun.target import SshError, Target
from ops.owner import stranger
from ops.record import MEND

HOST_LIMIT = 120.0
"""Seconds for one host: its checks ask apt and systemd, too."""
BARE = "has no gpu-metal: nothing was applied yet, or it was deleted."
ANEW = f"pulumi up; if it finds nothing to do, its state has the host as it was: {MEND}"
"""For a host on which nothing is applied: it is new, or it lost its disk or its ledger."""


async def drift(fleet: Fleet, mine: Owner, state: Callable[[], str]) -> Report:
    """One check for each step in each ledger; one `runner` check for a host that has no ledger, and one `owner` check
    for a host that another stack has, or another state of this one: its ledger is not of what this stack applied.

    `state` gives the id of this stack's state, empty where it cannot be read.
    """

    async def ask(target: Target) -> tuple[Mapping[str, str] | None, list[Check]]:
        result = await fleet.ask(target, f"{RUNNER} check --json", deadline=HOST_LIMIT)
        if said.no_runner(result):
            return None, [Check("runner", target.name, "failed", BARE, fix=ANEW)]
        try:
            steps = [as_check(target.name, step) for step in said.steps(target.name, result)]
        except SshError as error:
            if error.check_id != "runner":
                raise
            return None, [check_said("runner", target.name, "failed", error.message)]
        empty = Check("runner", target.name, "failed", "is here, but has no ledger: nothing is applied.", fix=ANEW)
        return said.owner(target.name, result), steps or [empty]

    checks: list[Check] = []
    for host, answer in (await fleet.each(ask)).items():
        if isinstance(answer, SshError):
            checks.append(unreachable(answer))
            continue
        other = stranger(host, answer[0], mine, state)
        checks += [other] if other else answer[1]
    return Report(checks)


def as_check(host: str, step: said.StepSaid) -> Check:
    """A step of a ledger as a check, `layer/step`. The fix names `pulumi up` where that mends it."""
    id_ = f"{step.layer}/{step.step}"
    if step.status == "ok":
        return check_said(id_, host, "note", step.says) if step.says else Check(id_, host, "ok")
    found = check_said(id_, host, "failed" if step.status == "drift" else "unknown", step.says)
    return found if found.fix else replace(found, fix=MEND)
