"""A restart that a step asked for: waited for, with patience and an end."""

import asyncio
import os
import time
from collections.abc import Callable

from components.hostrun import target as say
from components.hostrun.ssh import probe, run
from components.hostrun.target import SshError, Target

STEP = "reboot"
"""The step that restarts a host, a while after its layer has ended."""
LIMIT = float(os.environ.get("GPU_METAL_REBOOT_LIMIT", "900"))
"""Seconds for a host to come back: servers test their memory first."""
PAUSE = 2.0
"""Seconds between two questions."""

_QUESTION = "sh -c 'test ! -e /run/gpu-metal/rebooting || echo rebooting'"
_BOOTED = "timeout 120 systemctl is-system-running --wait"


async def ready(target: Target, *, patient: bool = False, tell: Callable[[str], None] = lambda _: None) -> None:
    """Address, greeting, host key, login and sudo, in that order; then no restart of ours is under way, or has ended.

    With `patient` a host that is silent counts as restarting. `tell` is given a line before a long wait.
    Raises SshError for the first that fails.
    """
    try:
        if not await _restarts(target):
            return
    except SshError as error:
        if not patient or error.check_id == "host-key":
            raise
    tell(f"{target.name} [reboot] restarts; it is waited for, at most {LIMIT:.0f} s")
    await _back(target)


async def _restarts(target: Target, deadline: float = 10) -> bool:
    return await probe(target, _QUESTION, deadline) == "rebooting\n"


async def _back(target: Target) -> None:
    """Until it answers as a host does that has started."""
    end = time.monotonic() + LIMIT
    last = say.not_gone(target, LIMIT)
    while (left := end - time.monotonic()) > 0:
        try:
            if not await _restarts(target, max(3, min(10, left))):
                # Its services first: what it ends with, degraded too, is for the next steps to judge.
                await run(target, _BOOTED, deadline=130)
                return
            last = say.not_gone(target, LIMIT)
        except SshError as error:
            # While it starts, sshd refuses whoever is not root: a refused login is no answer yet.
            if error.check_id == "host-key":
                raise
            last = say.not_back(target, LIMIT, error.message)
        await asyncio.sleep(PAUSE)
    raise last
