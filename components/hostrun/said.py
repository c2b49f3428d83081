"""Reads the JSON that the runner on a host prints. The only module of the program that knows its form."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.hostrun.ssh import Result
from components.hostrun.step import RUNNER
from components.hostrun.target import SshError, barred, noisy_shell

ANEW = "sitectl drift --record, then pulumi up"
"""Brings the runner again, and all that was applied."""


@dataclass(frozen=True)
class StepSaid:
    """One step's check on one host: `ok`, `drift` (it says what is untrue) or `broken` (the check itself)."""

    layer: str
    step: str
    status: str
    says: str


def steps(host: str, result: Result) -> list[StepSaid]:
    """The answer to `check --json` or `try --json`. Raises SshError when the output is not JSON."""
    answer = _object(host, result)
    return [
        StepSaid(layer["layer"], step["step"], step["status"], step.get("says", ""))
        for layer in answer["layers"]
        for step in layer["steps"]
    ]


def owner(host: str, result: Result) -> Mapping[str, str] | None:
    """Who has the host, from the answer to `check --json`: project, stack, site, state, since; None for nobody."""
    own = _object(host, result).get("owner")
    return dict(own) if own else None


def facts(host: str, result: Result) -> Mapping[str, Any]:
    """The answer to `facts --json`. Raises SshError when the output is not JSON."""
    return _object(host, result)


def clock(host: str, result: Result) -> float:
    """The answer to `date +%s.%N`, in seconds. Raises SshError when it is anything else."""
    try:
        return float(result.stdout)
    except ValueError:
        lines = (result.stdout.strip() or result.stderr.strip() or "nothing").splitlines()
        if re.fullmatch(r"[0-9.]+", lines[-1]):
            raise noisy_shell(host, lines[0]) from None
        raise SshError(host, "connection", f'date there says "{lines[-1][:200]}". Fix: see that it works.') from None


def no_runner(result: Result) -> bool:
    """Whether the host has no runner at all, since nothing was ever applied there."""
    return result.status == 127 or f"sudo: {RUNNER}: command not found" in result.stderr


def disk_fix(line: str) -> str:
    """What to do about an error of a host's disk (space.sh says the same there); empty for any other line."""
    return next((fix for words, fix in _DISK.items() if words in line), "")


_DISK = {
    "No space left on device": "make room there (df -h and df -i of /run, /tmp and / say where)",
    "Disk quota exceeded": "make room there, or raise root's quota",
    "Read-only file system": "mount it writable there (dmesg may say why it is not)",
    "Input/output error": "its disk fails (dmesg and smartctl -a say more): replace it, then set the host up anew",
}


def _object(host: str, result: Result) -> dict[str, Any]:
    try:
        answer = json.loads(result.stdout)
    except json.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        if "{" in result.stdout and not result.stdout.startswith("{"):
            raise noisy_shell(host, result.stdout.partition("{")[0])
        lines = (result.stderr.strip() or result.stdout.strip() or "nothing").splitlines()
        if refused := re.fullmatch(r"✗ \S+ \[([\w-]+)\] (.*)", lines[-1][:500]):  # the runner's own words
            raise SshError(host, "runner" if refused[1] == "runner" else "connection", refused[2])
        if any(RUNNER in line and "Permission denied" in line for line in lines):
            raise barred(host)
        for line in lines:
            if fix := disk_fix(line):
                raise SshError(host, "connection", f"cannot answer: {line[:300]}. Fix: {fix}.")
        text = f"gpu-metal gives no answer there: status {result.status}, {lines[-1][:300]}. Fix: {ANEW}."
        raise SshError(host, "runner", text)
    return answer
