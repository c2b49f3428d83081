"""The gate before the first change: every host is asked everything once a run, and what is untrue is said once."""

import asyncio
from collections.abc import Mapping, Sequence

from pulumi import ResourceHook, ResourceHookArgs

from components.host.preflight import preflight
from components.hostrun.fleet import Fleet
from components.hostrun.report import Report
from components.hostrun.step import Step
from components.hostrun.target import Target


class PreflightError(Exception):
    """A host may not be changed; the text is the report."""


class Gate:
    """Preflight of all hosts, run by the first hook that needs it.

    A host's hook fails for its own checks, and for what is untrue of any other: nothing is changed anywhere before
    every host passed. Only another host that cannot be asked is no reason: its own hook says so.
    """

    def __init__(self, targets: Mapping[str, Target], steps: Mapping[str, Sequence[Step]]) -> None:
        self._fleet = Fleet(targets)
        self._steps = steps
        self._asked: asyncio.Task[Report] | None = None
        self._told = False

    def hook(self, host: str) -> ResourceHook:
        """A hook that raises PreflightError while `host` is not fit: the whole report, then short for the others."""

        async def check(_: ResourceHookArgs) -> None:
            if self._asked is None:
                self._asked = asyncio.create_task(preflight(self._fleet, self._steps))
            report = await self._asked
            because = [untrue for untrue in report.untrue if untrue.host == host or untrue.status == "failed"]
            if because:
                raise PreflightError(f"{host} [preflight] see the report above" if self._told else self._tell(report))

        return ResourceHook(f"preflight-{host}", check)

    def _tell(self, report: Report) -> str:
        self._told = True
        lines = [f"✗ {untrue}" for untrue in report.untrue]
        hosts = len(self._fleet.targets)
        return "\n".join(
            [*lines, f"{hosts} hosts, {len(report.checks)} checks, {len(lines)} failed. Nothing was changed."]
        )
