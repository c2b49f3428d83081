"""Before the master's host is upgraded, this stops the workers of an older version on the other hosts.

SQream reads the metadata of its own version only, so all services change at once. Every host must agree before the
first one stops.

Rows: Q8.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote

from components.hostrun import target as hostrun
from components.hostrun.target import SshError, Target
from components.parts.part import Hook

_SCRIPT = Path(__file__).with_name("aside.sh")
_WINDOW = Path(hostrun.__file__).with_name("window.sh")
_DEADLINE = 300.0
"""Seconds for one host's workers to end."""


class NotAsideError(Exception):
    """A worker of an older version might still run. str() is `host [sqream] …`."""


def stand_aside(others: Sequence[str], package: str, window: str | None) -> Hook:
    """The hook of the master's host; it skips other hosts that have `package` already, or no SQream."""

    async def hook(targets: Mapping[str, Target]) -> None:
        for verb in ("ask", "stop"):
            words = " ".join(quote(word) for word in (verb, package, window or ""))
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(_said(targets[name], verb, words)) for name in others]
            if refusals := [said for task in asked if (said := task.result())]:
                raise NotAsideError("\n".join(refusals))

    return hook


async def _said(target: Target, verb: str, words: str) -> str:
    """Why the host does not do what `verb` asks; empty if it does."""
    # Imported here: programs that only read sites need no SSH client.
    from components.hostrun import ssh  # noqa: PLC0415

    try:
        result = await ssh.run(
            target, f"bash -s -- {words}", stdin=_WINDOW.read_bytes() + _SCRIPT.read_bytes(), deadline=_DEADLINE
        )
    except SshError as error:
        if verb == "ask":
            return f"{error} All of SQream is upgraded at once: nothing was stopped."
        return f"{error} Other hosts' workers may be stopped: pulumi up goes on, gpu-metal-sqream resume starts them."
    if result.status == 0:
        return ""
    last = (result.stderr.strip().splitlines() or [f"exit status {result.status}"])[-1]
    return f"{target.name} [sqream] {last[-1000:]}"
