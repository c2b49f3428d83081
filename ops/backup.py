"""Backups of the cluster: one now, and how old the last one is.

Rows: K11, K15.
"""

import re
import shlex
import time
from dataclasses import dataclass

from components.host.config import Host
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, unreachable
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from components.kubernetes.backup import Backup
from stacks.model import Site

LAST = "cat /var/lib/gpu-metal-backup/last"
"""Prints when the last backup was whole (seconds since 1970), its size, how many there are, and its path."""
_UNIT = "gpu-metal-backup"
_NOW = f"""
if ! systemctl start {_UNIT}.service; then
    journalctl --sync 2>/dev/null || true
    journalctl -t {_UNIT} -n 1 -o cat >&2
    exit 1
fi
{LAST}
"""
_HOUR = 3600


@dataclass(frozen=True)
class Last:
    """The last backup of a control plane."""

    when: int
    size: int
    count: int
    path: str

    def __str__(self) -> str:
        return f"{self.path}, {_size(self.size)}; {self.count} there"


def of(site: Site, host: Host) -> Backup | None:
    """What the site says of backups of this host; None if it makes none."""
    return site.kubernetes.backup if site.kubernetes and "control-plane" in host.roles else None


def check(host: str, backup: Backup, answer: Result) -> Check:
    """Whether the last one is young enough, from what LAST printed on the host."""
    last = _read(answer.stdout)
    if last is None:
        return Check("backup", host, "failed", "the cluster was not backed up from here yet.", fix="sitectl backup")
    hours = int(time.time() - last.when) // _HOUR
    if hours > backup.every_hours * 2:
        saw, want = f"the last backup is {hours} hours old", f"one every {backup.every_hours} hours"
        return Check("backup", host, "failed", saw, want, f"sitectl backup {host} says what keeps it")
    return Check("backup", host, "ok", f"{hours} hours old: {last}")


async def now(fleet: Fleet) -> list[Check]:
    """Backs up from each host of the fleet. A host's error is a check, never an exception."""

    async def one(target: Target) -> Result:
        return await fleet.ask(target, f"bash -c {shlex.quote(_NOW)}", deadline=fleet.limit)

    return [_made(name, answer) for name, answer in (await fleet.each(one)).items()]


def _made(host: str, answer: Result | SshError) -> Check:
    if isinstance(answer, SshError):
        return unreachable(answer)
    last = _read(answer.stdout)
    if answer.status or last is None:
        said = (answer.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        if "Unit gpu-metal-backup.service not found" in answer.stderr:
            said = "the site's backup is not set up here. Fix: pulumi up"
        saw, _, fix = said.partition("Fix: ")
        return Check("backup", host, "failed", saw.strip(), fix=fix or f"there: journalctl -u {_UNIT} -n 20")
    return Check("backup", host, "ok", str(last))


def _read(text: str) -> Last | None:
    found = re.fullmatch(r"(\d+) (\d+) (\d+) (/.+)\n?", text)
    return Last(int(found[1]), int(found[2]), int(found[3]), found[4]) if found else None


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
