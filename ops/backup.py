"""Backups of the cluster and of what parts have on hosts: one now, and how old the cluster's last one is.

Rows: K11, K15.
"""

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.host.config import Host
from components.hostrun.fleet import Fleet
from components.hostrun.report import Check, unreachable
from components.hostrun.ssh import Result
from components.hostrun.target import SshError, Target
from components.kubernetes.backup import Backup
from stacks.model import Site

LAST = "cat /var/lib/gpu-metal-backup/last && { cat /var/lib/gpu-metal-backup/without 2>/dev/null || true; }"
"""Prints when the last backup was whole (seconds since 1970), its size, how many there are, and its path; then a line
`NAME: WHY` for each part whose state it lacks."""
_UNIT = "gpu-metal-backup"
_NOW = """
status=0
systemctl start UNIT.service || status=$?
journalctl --sync 2>/dev/null || true
id=$(systemctl show -p InvocationID --value UNIT.service)
said=$(journalctl _SYSTEMD_INVOCATION_ID="$id" _TRANSPORT=stdout -n 1 -o cat) # its own words, not PAM's
if ((status)); then printf '%s\\n' "$said" >&2; exit 1; fi
"""
_HOUR = 3600
_MEND = "mend that, then sitectl backup"


@dataclass(frozen=True)
class Last:
    """The last backup of a control plane."""

    when: int
    size: int
    count: int
    path: str
    without: Sequence[str] = ()
    """The parts whose state it lacks, each with the reason."""

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
    if last.without:
        return Check("backup", host, "failed", _lacks(last), fix=_MEND)
    return Check("backup", host, "ok", f"{hours} hours old: {last}")


def units(site: Site, host: Host) -> dict[str, str]:
    """The units that back up what is on this host, by the ids of their checks: the cluster's, and those of parts."""
    found = {"backup": _UNIT} if of(site, host) else {}
    for entry in site.entries:
        own = entry.part.host.backups(entry.config, site.hosts) if entry.part.host else {}
        found |= {f"{entry.name}/backup": own[host.name]} if host.name in own else {}
    return found


async def now(fleet: Fleet, wanted: Mapping[str, Mapping[str, str]]) -> list[Check]:
    """Backs up from each host of the fleet, by its `units`. A host's error is a check, never an exception."""

    async def one(target: Target) -> list[Check]:
        return [await _one(fleet, target, id_, unit) for id_, unit in wanted[target.name].items()]

    answers = (await fleet.each(one)).values()
    return [check for each in answers for check in ([unreachable(each)] if isinstance(each, SshError) else each)]


async def _one(fleet: Fleet, target: Target, id_: str, unit: str) -> Check:
    shown = LAST if unit == _UNIT else "printf '%s\\n' \"$said\""
    script = f"{_NOW.replace('UNIT', unit)}{shown}"
    answer = await fleet.ask(target, f"bash -c {shlex.quote(script)}", deadline=fleet.limit)
    last = _read(answer.stdout) if unit == _UNIT else answer.stdout.strip()
    if answer.status or not last:
        said = (answer.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        if f"Unit {unit}.service not found" in answer.stderr:
            said = "the site's backup is not set up here. Fix: pulumi up"
        saw, _, fix = said.partition("Fix: ")
        return Check(id_, target.name, "failed", saw.strip(), fix=fix or f"there: journalctl -u {unit} -n 20")
    if isinstance(last, Last) and last.without:
        return Check(id_, target.name, "failed", _lacks(last), fix=_MEND)
    return Check(id_, target.name, "ok", str(last))


def _lacks(last: Last) -> str:
    return f"the cluster is backed up, {last}; but not the state of {'; '.join(last.without)}."


def _read(text: str) -> Last | None:
    first, *without = text.splitlines() or [""]
    found = re.fullmatch(r"(\d+) (\d+) (\d+) (/.+)", first)
    return Last(int(found[1]), int(found[2]), int(found[3]), found[4], tuple(without)) if found else None


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
