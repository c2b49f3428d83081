"""The vendor's own pre-install diagnostics, on a control plane, before Run:ai is installed.

Rows: R1.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from shlex import join

from components.hostrun import ssh
from components.hostrun.target import SshError, Target
from components.platforms.runai.config import Diagnostics, Runai

SCRIPT = Path(__file__).with_name("diagnostics.sh")
_SECONDS = 900
_REPORT = "runai-diagnostics.txt"


class DiagnosticsError(Exception):
    """They could not be run, or found something. str() is `host [diagnostics] …`."""


def arguments(config: Runai, of: Diagnostics, domain: str) -> list[str]:
    """What they are called with, by the names of version 2.18."""
    if of.arguments is not None:
        return list(of.arguments)
    found = ["--domain", domain, "--cluster-domain", domain, "--output", _REPORT]
    return [*found, "--airgapped", "--registry", config.registry.images] if config.registry else found


def report(of: Diagnostics) -> Path:
    """Where their report is kept, on the operator's machine."""
    return of.file.with_name(f"{of.file.name}.txt")


async def must_pass(planes: Sequence[Target], of: Diagnostics, words: Sequence[str]) -> None:
    """Runs them on the first control plane that answers, and keeps the report. Raises DiagnosticsError."""
    program = of.file.read_bytes()
    if (seen := hashlib.sha256(program).hexdigest()) != of.sha256:
        text = f"{of.file} has SHA-256 {seen}, wants {of.sha256}. Nothing was run or installed."
        raise DiagnosticsError(
            f"{planes[0].name} [diagnostics] {text} Fix: get it again, or correct diagnostics.sha256"
        )
    command = join(["bash", "-c", SCRIPT.read_text(), "diagnostics", str(_SECONDS), *words])
    reasons = []
    for plane in planes:
        try:
            done = await ssh.run(plane, command, stdin=program, deadline=_SECONDS + 120)
        except SshError as error:
            reasons.append(str(error))
            continue
        report(of).write_text(done.stdout)
        if done.status == 0:
            return
        last = ([line for line in f"{done.stderr}\n{done.stdout}".splitlines() if line.strip()] or ["nothing"])[-1]
        text = f'Run:ai\'s diagnostics ended with status {done.status} and said last: "{last.strip()[:300]}".'
        fix = f"mend what {report(of)} names, or send it to Run:ai's support; then pulumi up"
        raise DiagnosticsError(f"{plane.name} [diagnostics] {text} Nothing was installed. Fix: {fix}")
    text = f"no control plane could run Run:ai's diagnostics. {'; '.join(reasons)}. Nothing was installed."
    raise DiagnosticsError(f"{planes[0].name} [diagnostics] {text} Fix: bring one of them back, then pulumi up")
