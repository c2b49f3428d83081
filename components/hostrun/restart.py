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

_RESTARTS = "rebooting"
_QUESTION = f"sh -c 'test ! -e /run/gpu-metal/rebooting || echo {_RESTARTS}; {say.HAS_RUNNER}'"
_BOOTED = "timeout 120 systemctl is-system-running --wait"


async def ready(
    target: Target, *, patient: bool = False, runner: bool = False, tell: Callable[[str], None] = lambda _: None
) -> None:
    """Check address, greeting, host key, login and sudo, in that order; then wait for the end of a restart of ours.

    With `patient`, a silent host counts as restarting. With `runner`, a host without ours is refused. `tell` receives a
    line before a long wait. Raises SshError for the first that fails.
    """
    try:
        seen = await _seen(target)
    except SshError as error:
        if not patient or error.check_id == "host-key":
            raise
        seen = {_RESTARTS}
    if _RESTARTS in seen:
        tell(f"{target.name} [reboot] restarts; waiting for it, at most {LIMIT:.0f} s")
        seen = await _back(target)
    if runner and (lost := say.no_runner(target, seen)):
        raise lost


async def _seen(target: Target, deadline: float = 10) -> set[str]:
    seen = set((await probe(target, _QUESTION, deadline)).splitlines())
    if odd := seen - {_RESTARTS, "bare", "barred"}:
        raise say.noisy_shell(target.name, min(odd))
    return seen


async def _back(target: Target) -> set[str]:
    """Waits until the host answers and has booted. Returns what is to be seen there then."""
    end = time.monotonic() + LIMIT
    last = say.not_gone(target, LIMIT)
    while (left := end - time.monotonic()) > 0:
        try:
            seen = await _seen(target, max(3, min(10, left)))
            if _RESTARTS not in seen:
                # Wait for its services. Whether they came up well is for the next steps to judge.
                await run(target, _BOOTED, deadline=130)
                return seen
            last = say.not_gone(target, LIMIT)
        except SshError as error:
            # During boot sshd refuses every user but root, so a refused login is not final.
            if error.check_id == "host-key":
                raise
            last = say.not_back(target, LIMIT, error.message)
        await asyncio.sleep(PAUSE)
    raise last
