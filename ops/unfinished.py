"""Where each host stopped in a run that failed: one line each, from the ledger and the lock on the host.

Pulumi's own message has the whole command line, and after a lost connection no cause.
"""

import asyncio
import re
from pathlib import Path

from components.hostrun.fleet import Fleet
from components.hostrun.target import SshError, Target
from ops import orphans
from ops.record import host_of
from ops.recover import running
from ops.state import export, pending_of
from ops.stop import Stop

QUESTION = r"""
cd /var/lib/gpu-metal 2>/dev/null || exit 0
lock=/run/gpu-metal/lock
if [ -e $lock ] && ! flock --shared --nonblock $lock true; then
    printf 'works\t%s\n' "$(tr -s ' ' <$lock)"
elif [ -s fault ]; then
    printf 'fault\t%s\n' "$(head -c 4096 fault | tr '\t\n' ' \037')"
else
    for file in begun/*; do
        [ -e "$file" ] || continue
        awk -F '\t' -v layer="${file##*/}" '
            $3 == "begun" { now = $1; exit }
            $3 == "done" { last = $1 }
            END { printf "cut\t%s\t%s\t%s\n", layer, last, now }' "ledger/${file##*/}"
    done
fi
"""
NEWLINE = "\x1f"
"""In the answer: one row is one line."""
HINT = re.compile(r"(To see|See|Try|For more|Run) ")
"""How programs go on after the reason: kubeadm ends with "To see the stack trace of this error execute with --v=5"."""
PLACE = re.compile(r"\S+\.sh: line \d+: ")
"""Where Bash met an error, in front of it: of no use to an operator."""
DEADLINE = 20.0
"""Seconds for a host."""


def look(stack: str, folder: Path, fleet: Fleet) -> list[str]:
    """Ends what a dead run left running here. Returns a line for each host that did not end well; changes none."""
    lines = orphans.end(orphans.orphans())
    if who := running(stack, folder):
        return [*lines, f"stack {stack} is locked by {who}: that run still works. Fix: wait for its end."]
    lost = _lost(stack, folder)
    for name, answer in asyncio.run(fleet.each(lambda target: _ask(fleet, target))).items():
        if isinstance(answer, SshError):
            lines.append(str(answer))
        elif told := [_line(name, *row.split("\t")) for row in answer.splitlines() if "\t" in row]:
            lines += told
        elif name in lost:
            lines.append(f"{name} [lost] the connection was lost, and what ran there has ended. {_GOES_ON}")
    return lines


_GOES_ON = "Fix: sitectl recover, then pulumi up, which goes on from there."


async def _ask(fleet: Fleet, target: Target) -> str:
    return (await fleet.ask(target, "bash -s", stdin=QUESTION.encode(), deadline=DEADLINE)).stdout


def _lost(stack: str, folder: Path) -> set[str]:
    """The hosts with an operation that was begun and never recorded; none where Pulumi cannot say."""
    try:
        return {host_of(operation["resource"]) for operation in pending_of(export(stack, folder))}
    except Stop:
        return set()


def _line(host: str, kind: str, *said: str) -> str:
    if kind == "works":
        return f"{host} [lost] the connection was lost, and the run goes on there: {said[0].strip()}. {_GOES_ON}"
    if kind == "fault":
        step, _, text = said[0].partition(NEWLINE)
        return f"{host} [{step}] {_reason_first(text.strip(NEWLINE))}"
    layer, last, now = said
    after = f"after step {last}" if last else "before its first step"
    what = f"in step {now}" if now else "between two steps"
    return f"{host} [{layer}] was cut off {after}, {what}. {_GOES_ON}"


def _reason_first(text: str) -> str:
    """The runner's message as one line: the last line of a step's output that is not only a hint comes first."""
    first, _, output = text.partition(NEWLINE)
    lines = [line.strip() for line in output.split(NEWLINE) if line.strip()]
    last = PLACE.sub("", next((line for line in reversed(lines) if not HINT.match(line)), ""))
    return f"{last.rstrip('.')}. {first}" if last and last not in first else first
