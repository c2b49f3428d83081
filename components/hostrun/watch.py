"""While a layer runs on a host, asks the host now and then what it does, and says what an operator should know.

The plugin prints nothing and waits without an end when a host freezes, restarts or loses its network in mid-step. The
program, whose hooks run before and after each layer, asks over its own connection.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from components.hostrun.fleet import Ask
from components.hostrun.ssh import run
from components.hostrun.target import HOME, SshError, Target

LOCK = "/run/gpu-metal/lock"
# Shared, so that two questions do not see each other; the file is made by the first run only.
FREE = f"[ ! -e {LOCK} ] || flock --shared --timeout %d {LOCK} true || {{ cat {LOCK}; exit 75; }}"
"""Waits so many seconds for the end of the run that holds the host's lock; else prints it and ends with 75."""
_FAILED = f"""
[ ! -s {HOME}/fault ] || [ $(($(date +%%s) - $(stat -c %%Y {HOME}/fault))) -gt %d ] || exit 76
"""
"""Follows FREE. On a host where no runner works, ends with 76 if one has failed in the last so many seconds."""

PERIOD = float(os.environ.get("GPU_METAL_WATCH_PERIOD", "60"))
"""Seconds from the begin of a layer to the first question, and between two."""
SOON = PERIOD / 4
"""Seconds after a bad answer until we ask the host once more: one bad answer alone is not reported."""
LONG = 600.0
"""Seconds in one step that are worth a line."""
IDLE = 150.0
"""Seconds without a runner on the host before the connection is called lost: TCP may bring the end two minutes late."""
LIMIT = min(10.0, PERIOD)
"""Seconds for an answer."""

Seen = SshError | str | None
"""Why a host did not answer; what the runner there writes into its lock; None when no runner works there."""
FAILED = "failed"
"""Seen of a layer that has failed. Pulumi says why, and calls no hook after it; other hosts may still be at work."""

_STEP = re.compile(r"(?P<layer>\S+) (?:step (?P<place>\d+ of \d+) \((?P<step>\S+)\)|undo of (?P<undo>\S+))")
"""The end of what the runner writes into its lock (lock.sh, mark_lock)."""
_END = "end this run: Ctrl-C twice, then sitectl recover, then pulumi up, which goes on from there"


@dataclass
class Work:
    """A layer in the making, with times by time.monotonic."""

    layer: str
    heard: float
    """When the host answered last."""
    since: float
    """Since when it does what it does."""
    doing: str = ""
    """What the runner does there, in its own words; empty while that is not known."""
    state: str = ""
    """What an operator should know: `silent`, `idle` or `long`; mostly empty."""
    first: float = 0.0
    """Since when that is seen, again and again."""
    next: float = 0.0
    """When the line is repeated. The pause doubles each time."""

    def note(self, seen: Seen, now: float) -> list[str]:
        """Takes an answer of the host; returns what is to be said of it."""
        lines = []
        if isinstance(seen, str):
            if self.state == "silent" and self.next:
                lines.append(f"answers again, after {now - self.heard:.0f} s.")
            self.heard = now
            if (doing := seen.rpartition(", ")[2].strip()) != self.doing:
                self.since = now if self.doing else self.since
                self.doing = doing
        state = "idle" if seen is None else "silent" if isinstance(seen, SshError) else self._long(now)
        if state != self.state:
            self.state, self.first, self.next = state, now, 0.0
        # One question may go unanswered, or fall into the moment in which a runner begins or ends.
        patience = {"silent": SOON / 2, "idle": IDLE}.get(state, 0.0)
        if state and now >= self.next and now - self.first >= patience:
            lines.append(self._line(seen, now))
            self.next = now + (now - (self.since if self.state == "long" else self.heard))
        return lines

    def _long(self, now: float) -> str:
        return "long" if now - self.since >= LONG else ""

    def _line(self, seen: Seen, now: float) -> str:
        what = self.doing or f"layer {self.layer}"
        if self.state == "idle":
            text = f"works no more, but this run still waits for {what} there: the connection between them is lost"
            return f"[lost] {text}. Fix: {_END}."
        if isinstance(seen, SshError):
            why = seen.message.partition(" Fix: ")[0].rstrip(".")
            text = f"has not answered for {now - self.heard:.0f} s, and this run waits for {what} there: {why}"
            return f"[lost] {text}. Fix: bring it back (console, power, network); or {_END}."
        found = _STEP.fullmatch(self.doing)
        log = found and f"/var/lib/gpu-metal/log/{found['layer']}/{found['step'] or found['undo']}.log"
        look = f"tail -f {log}" if log else f"cat {LOCK}"
        minutes = f"{(now - self.since) / 60:.0f} minutes"
        return f"[{self.layer}] has been at this for {minutes}: {what}. To look, as root there: {look}"


class Watch:
    """Of one host, whose layers follow one another."""

    def __init__(self, target: Target, say: Callable[[str], None], ask: Ask = run) -> None:
        self._target, self._say, self._ask = target, say, ask
        self._work: Work | None = None
        self._undo, self._begun = False, 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._question: asyncio.Future[tuple[None]] | None = None

    async def begin(self, layer: str, *, undo: bool = False) -> None:
        """A layer begins now. Nobody tells when an undo ends: the first answer of an idle host ends its watch."""
        await self.end()
        self._begun = now = time.monotonic()
        self._work, self._undo = Work(layer, heard=now, since=now), undo
        self._wait(PERIOD)

    async def end(self) -> None:
        """The layer has ended."""
        self._work = None
        if self._timer:
            self._timer.cancel()

    def _wait(self, seconds: float) -> None:
        # A timer, not a task that sleeps: Python complains at the end of the program of a task that has not ended.
        self._timer = asyncio.get_running_loop().call_later(seconds, self._start)

    def _start(self) -> None:
        # A question may be on its way when the program ends, after a layer that failed. Of a task that it made itself,
        # `gather` does not complain then, on the operator's screen.
        self._question = asyncio.gather(self._look())

    async def _look(self) -> None:
        work, seen = self._work, await self._seen()
        if work is None or work is not self._work:
            return  # ended meanwhile
        if seen == FAILED or (seen is None and self._undo):
            await self.end()
            return
        now = time.monotonic()
        for line in work.note(seen, now):
            self._say(f"{self._target.name} {line}")
        self._wait(SOON if not isinstance(seen, str) and work.first == now else PERIOD)

    async def _seen(self) -> Seen:
        age = time.monotonic() - self._begun + LIMIT
        question = FREE % 0 + _FAILED % age
        try:
            answer = await self._ask(self._target, "bash -s", stdin=question.encode(), deadline=LIMIT)
        except SshError as error:
            return error
        return {75: answer.stdout, 76: FAILED}.get(answer.status)
