"""A question to a control plane, or to the first that answers, by a script on its stdin, with a deadline."""

from collections.abc import Sequence
from pathlib import Path

from components.hostrun import ssh
from components.hostrun.target import SshError, Target

DEADLINE = 60.0
"""Seconds that one control plane has."""
_KINDS = Path(__file__).with_name("missing_kinds.sh")


async def ask(plane: Target, command: str, script: bytes, deadline: float = DEADLINE) -> tuple[str, str]:
    """What the script printed within that many seconds, and why it failed; one of them, or neither, is empty."""
    try:
        result = await ssh.run(plane, command, stdin=script, deadline=deadline)
    except SshError as error:
        return "", f"[{error.check_id}] {error.message}"
    if result.status != 0:
        last = (result.stderr.strip().splitlines() or [f"exit status {result.status}"])[-1]
        return "", last[:500]
    return result.stdout, ""


class NobodyError(Exception):
    """None of the control planes could answer. str() has the reason of each."""

    def __init__(self, planes: Sequence[Target], reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self._host = planes[0].name if planes else ""

    def told(self, id_: str, what: str) -> str:
        """The message about a check: `host [id] no control plane could say WHAT. …`."""
        text = f"{self._host} [{id_}] no control plane could say {what}. {self}. Nothing was changed"
        return f"{text}. Fix: bring one of them back, then pulumi up"


async def first(
    planes: Sequence[Target], command: str, script: bytes, deadline: float = DEADLINE
) -> tuple[Target, str]:
    """The first control plane on which the script succeeded, and what it printed there. Raises NobodyError."""
    reasons = []
    for plane in planes:
        text, reason = await ask(plane, command, script, deadline)
        if not reason:
            return plane, text
        reasons.append(f"{plane.name}: {reason}")
    raise NobodyError(planes, reasons)


async def lacking_kinds(planes: Sequence[Target], kinds: Sequence[str]) -> tuple[Target, list[str]]:
    """The first control plane that answered, and which of the kinds, each PLURAL.GROUP, it does not have.

    Raises NobodyError.
    """
    plane, said = await first(planes, f"bash -s -- {' '.join(kinds)}", _KINDS.read_bytes())
    return plane, said.split()
