"""The gate before the first change: checks every host once in a run, and reports each failure once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from components.host.preflight import preflight
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, Report
from components.hostrun.step import Step, command_line, payload
from components.hostrun.target import Target


class PreflightError(Exception):
    """Preflight failed, so that no host may be changed; the text is the report."""


class Gate:
    """Preflight of all hosts, run by the first hook that needs it, at most once a run.

    Nothing is changed anywhere until every host has passed: all hosts depend on the leaf with the hook `all`. A host
    that cannot be asked stops only itself, by its own hook.
    """

    def __init__(self, targets: Mapping[str, Target], steps: Mapping[str, Sequence[Step]]) -> None:
        self._fleet = Fleet(targets)
        self._steps = steps
        self._asked: asyncio.Task[Report] | None = None
        self._told = False

    def inputs(self) -> dict[str, str]:
        """A digest of each host's checks; when one changes, all hosts are checked again before any change."""
        texts = {name: command_line("preflight", steps) + payload(steps, {}) for name, steps in self._steps.items()}
        return {name: sha256(text.encode()).hexdigest()[:12] for name, text in texts.items()}

    async def all(self) -> None:
        """Raises PreflightError if a check of any host has failed."""
        await self._pass("all", lambda untrue: untrue.status == "failed")

    async def own(self, host: str) -> None:
        """Raises PreflightError if a check of any host has failed, or if `host` itself cannot be asked."""
        await self._pass(host, lambda untrue: untrue.host == host or untrue.status == "failed")

    async def _pass(self, name: str, stops: Callable[[Check], bool]) -> None:
        if self._asked is None:
            self._asked = asyncio.create_task(preflight(self._fleet, self._steps))
        report = await self._asked
        if any(map(stops, report.untrue)):
            raise PreflightError(
                f"{name} [preflight] stops, as this run's report of preflight says: see its lines with ✗"
                if self._told
                else self._tell(report)
            )

    def _tell(self, report: Report) -> str:
        self._told = True
        lines = [f"✗ {untrue}" for untrue in report.untrue]
        hosts = len(self._fleet.targets)
        counts = f"{hosts} host{'s' * (hosts != 1)}, {len(report.checks)} checks, {len(lines)} failed"
        return "\n".join([*lines, f"{counts}. Nothing was changed on any host."])
