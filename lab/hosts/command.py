"""Runs a program of the machine and turns its failure into one clear line."""

import os
import signal
import subprocess
from collections.abc import Mapping

from lab.hosts.inventory import LabError


def run(*argv: str, stdin: str = "", env: Mapping[str, str] | None = None, deadline: float | None = None) -> str:
    """Standard output of argv.

    Raises LabError, with the program's last lines, when it fails, cannot be started or passes its deadline. When this
    process is interrupted, the program is killed with all that it started: a debootstrap must not go on in a folder
    that is removed.
    """
    pipe = subprocess.PIPE
    words = " ".join(argv)[:200]
    try:
        child = subprocess.Popen(argv, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    except FileNotFoundError as missing:
        raise LabError(f"lab [{argv[0]}] is not installed on this machine. Fix: install it.") from missing
    with child:
        try:
            output, errors = child.communicate(stdin, timeout=deadline)
        except BaseException as ended:
            os.killpg(child.pid, signal.SIGKILL)
            if isinstance(ended, subprocess.TimeoutExpired):
                raise LabError(f"lab [{argv[0]}] did not end within {deadline:g} s: {words}") from ended
            raise
    if child.returncode:
        said = " / ".join((errors or output).strip().splitlines()[-4:])
        raise LabError(f"lab [{argv[0]}] `{words}` ended with status {child.returncode}: {said}")
    return output
