"""Waits, up to a limit, for a host that one of our steps restarts."""

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
"""Seconds between two attempts."""

_QUESTION = "sh -c 'test ! -e /run/gpu-metal/rebooting || echo rebooting'"
_BOOTED = "timeout 120 systemctl is-system-running --wait"


async def ready(target: Target, *, patient: bool = False, tell: Callable[[str], None] = lambda _: None) -> None:
    """Check address, greeting, host key, login and sudo, in that order; then wait for the end of a restart of ours.

    With `patient`, a silent host counts as restarting. `tell` receives a line before a long wait.
    Raises SshError for the first that fails.
    """
    try:
        if not await _restarts(target):
            return
    except SshError as error:
        if not patient or error.check_id == "host-key":
            raise
    tell(f"{target.name} [reboot] restarts; waiting for it, at most {LIMIT:.0f} s")
    await _back(target)


async def _restarts(target: Target, deadline: float = 10) -> bool:
    return await probe(target, _QUESTION, deadline) == "rebooting\n"


async def _back(target: Target) -> None:
    """Waits until the host answers and has booted."""
    end = time.monotonic() + LIMIT
    last = say.not_gone(target, LIMIT)
    while (left := end - time.monotonic()) > 0:
        try:
            if not await _restarts(target, max(3, min(10, left))):
                # Wait for its services. Whether they came up well is for the next steps to judge.
                await run(target, _BOOTED, deadline=130)
                return
            last = say.not_gone(target, LIMIT)
        except SshError as error:
            # During boot sshd refuses every user but root, so a refused login is not final.
            if error.check_id == "host-key":
                raise
            last = say.not_back(target, LIMIT, error.message)
        await asyncio.sleep(PAUSE)
    raise last
