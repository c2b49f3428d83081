"""Proves that hosts share munge's key and the time: over SSH, all other hosts decode a credential of the first one.

The credential grants nothing and holds no text, so it is not a secret.

Rows: F4.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.hostrun.target import SshError, Target

if TYPE_CHECKING:
    from components.hostrun.ssh import Result

DEADLINE = 30.0
"""Seconds that one host may take."""

_LOG = "journalctl -u munge -n 20 there says why"


class MungeError(Exception):
    """Some hosts do not decode the credential. str() has one line for each: `host [munge] …`."""


async def prove(targets: Sequence[Target]) -> None:
    """Each of `targets` decodes what the first of them has encoded. Raises MungeError."""
    first, *others = targets
    made = await _ask(first, "munge -n")
    if isinstance(made, str):
        raise MungeError(f"{first.name} [munge] {made}")
    if made.status != 0:
        raise MungeError(f"{first.name} [munge] cannot make a credential: {_last(made.stderr)}. Fix: {_LOG}")
    wrong = await asyncio.gather(*(_decodes(other, first.name, made.stdout) for other in others))
    if lines := [line for line in wrong if line]:
        raise MungeError("\n".join(lines))


async def _decodes(target: Target, maker: str, credential: str) -> str:
    """Why the host does not decode the credential; empty if it does."""
    seen = await _ask(target, "unmunge", credential.encode())
    if isinstance(seen, str):
        return f"{target.name} [munge] {seen}"
    return "" if seen.status == 0 else f"{target.name} [munge] {_why(seen, maker)}"


def _why(seen: "Result", maker: str) -> str:
    # unmunge reports a credential that it decodes but refuses on stdout, any other failure on stderr.
    status = re.search(r"^STATUS:\s+(.*?)(?: \(\d+\))?$", seen.stdout, re.MULTILINE)
    says = status[1] if status else _last(seen.stderr)
    if re.search(r"(Expired|Rewound) credential", says):
        return (
            f"its clock and that of {maker} are {_apart(seen.stdout)} apart ({says}). "
            "Fix: set timeServers in the site, or start chrony there"
        )
    if "Invalid credential" in says:
        return (
            f"its munge has another key than {maker}'s ({says}). Fix: pulumi up writes the site's key again; "
            "stop any other program that writes /etc/munge/munge.key on either host"
        )
    return f"its munge does not decode the credential of {maker}: {says or f'status {seen.status}'}. Fix: {_LOG}"


def _apart(stdout: str) -> str:
    times = [int(time) for time in re.findall(r"^(?:EN|DE)CODE_TIME:.*\((\d+)\)$", stdout, re.MULTILINE)]
    return f"{abs(times[0] - times[1])} s" if len(times) == 2 else "too far"


async def _ask(target: Target, command: str, stdin: bytes = b"") -> "Result | str":
    """The command's result, or why the host gives none."""
    from components.hostrun import ssh  # noqa: PLC0415 - programs that only read sites need no asyncssh

    try:
        return await ssh.run(target, command, stdin=stdin, deadline=DEADLINE)
    except SshError as error:
        return f"[{error.check_id}] {error.message}"


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("munge: Error: ").removeprefix("unmunge: Error: ")[:300] if lines else ""
