"""Runs one command on a host over the program's own SSH connection, with a deadline for everything.

The SSH library is loaded with the first of them: a run of Pulumi that finds nothing to do asks no host.
"""
# ruff: noqa: PLC0415 (see above)

from components.hostrun import target as say
from components.hostrun.result import HostKey, Result
from components.hostrun.target import SshError, Target

__all__ = ["HostKey", "Result", "SshError", "Target", "probe", "run", "scan"]


async def run(target: Target, command: str, *, stdin: bytes = b"", deadline: float = 30, root: bool = True) -> Result:
    """Run a command and wait for its end; any exit status is a Result.

    Raises SshError when the host cannot be asked, does not answer within `deadline` seconds in all, or sudo refuses.
    A command that is cut off by the deadline may go on running there.
    """
    from components.hostrun import session

    return await session.run(target, command, stdin=stdin, deadline=deadline, root=root)


async def probe(target: Target, question: str = "true", deadline: float = 10) -> str:
    """Check address, SSH greeting, host key, login and sudo, in that order; return what `question` prints.

    `question` is a command that never fails on a sound host.
    Raises SshError for the first that fails.
    """
    result = await run(target, question, deadline=deadline)
    if result.status != 0:
        raise say.bad_shell(target, question, result.status, (result.stderr or result.stdout).strip())
    return result.stdout


async def scan(target: Target, deadline: float = 10) -> HostKey:
    """The best key that the host shows now, whichever one is pinned; no login is sent. Raises SshError."""
    from components.hostrun import session

    return await session.scan(target, deadline)
