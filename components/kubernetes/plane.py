"""A question to a control plane, by a script on its stdin, with a deadline."""

from components.hostrun import ssh
from components.hostrun.target import SshError, Target

DEADLINE = 60.0
"""Seconds that one control plane has."""


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
