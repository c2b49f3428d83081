"""The proof that hosts share munge's key and the time: a credential of one is decoded on all others, over our SSH.

It says who may do nothing and holds no text: it is no secret.

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
"""Seconds that one host has."""

_LOG = "journalctl -u munge -n 20 there says why"


class MungeError(Exception):
    """Not all hosts understand each other. str() has one line a host: `host [munge] …`."""


async def prove(targets: Sequence[Target]) -> None:
    """Each of `targets` decodes what the first of them has encoded. Raises MungeError."""
    first, *others = targets
    made = await _ask(first, "munge -n")
    if isinstance(made, str):
        raise MungeError(f"{first.name} [munge] {made}")
    if made.status != 0:
        raise MungeError(f"{first.name} [munge] makes no credential: {_last(made.stderr)}. Fix: {_LOG}")
    wrong = await asyncio.gather(*(_decodes(other, first.name, made.stdout) for other in others))
    if lines := [line for line in wrong if line]:
        raise MungeError("\n".join(lines))


async def _decodes(target: Target, maker: str, credential: str) -> str:
    """What is wrong there; nothing when all is well."""
    seen = await _ask(target, "unmunge", credential.encode())
    if isinstance(seen, str):
        return f"{target.name} [munge] {seen}"
    return "" if seen.status == 0 else f"{target.name} [munge] {_why(seen, maker)}"


def _why(seen: "Result", maker: str) -> str:
    # Of a credential that it decodes and refuses it says so on stdout, of any other on stderr.
    status = re.search(r"^STATUS:\s+(.*?)(?: \(\d+\))?$", seen.stdout, re.MULTILINE)
    says = status[1] if status else _last(seen.stderr)
    if re.search(r"(Expired|Rewound) credential", says):
        return (
            f"its clock and that of {maker} are {_apart(seen.stdout)} apart ({says}). "
            "Fix: set timeServers in the site, or start chrony there"
        )
    if "Invalid credential" in says:
        return (
            f"its munge has another key than that of {maker} ({says}). Fix: pulumi up writes the site's key again; "
            "what else writes /etc/munge/munge.key on one of both must stop"
        )
    return f"its munge does not decode what {maker} made: {says or f'status {seen.status}'}. Fix: {_LOG}"


def _apart(stdout: str) -> str:
    times = [int(time) for time in re.findall(r"^(?:EN|DE)CODE_TIME:.*\((\d+)\)$", stdout, re.MULTILINE)]
    return f"{abs(times[0] - times[1])} s" if len(times) == 2 else "too far"


async def _ask(target: Target, command: str, stdin: bytes = b"") -> "Result | str":
    """Its answer, or why there is none."""
    from components.hostrun import ssh  # noqa: PLC0415 - whoever only reads sites need not load asyncssh

    try:
        return await ssh.run(target, command, stdin=stdin, deadline=DEADLINE)
    except SshError as error:
        return f"[{error.check_id}] {error.message}"


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("munge: Error: ").removeprefix("unmunge: Error: ")[:300] if lines else ""
