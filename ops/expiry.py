"""Whether certificates and keys are still valid, those in files that the site names and those of the cluster: checks of
`sitectl verify`.

Rows: K12, M3.
"""

import time
from collections.abc import Iterator

from components.host.config import Host
from components.hostrun.report import Check
from components.hostrun.ssh import Result
from ops.record import MEND
from stacks.checks_files import FEW_DAYS, endings, expiry
from stacks.model import Site

LIST = "/usr/local/sbin/gpu-metal-renew list"
"""Prints for each certificate of a control plane when it ends (seconds since 1970), its name, and whether another
authority than the cluster's own signed it."""
_FOREIGN = "signed by another authority"


def of(site: Site, host: Host) -> bool:
    """Whether the host has certificates of the cluster's control plane."""
    return site.kubernetes is not None and "control-plane" in host.roles


def first(host: str, answer: Result) -> Check:
    """When the first certificate of a control plane ends, from what LIST printed. That it ends soon, the step says."""
    ends = [line.partition(" ") for line in answer.stdout.splitlines()]
    known = sorted((int(when), name) for when, _, name in ends if when.isdecimal())
    if answer.status or not known:
        return Check("certificates", host, "failed", "could not be read.", fix="pulumi up")
    when, name = known[0]
    days = int(when - time.time()) // (24 * 3600)
    if days < 0:
        text = f"/etc/kubernetes/{name} ended {-days} days ago."
        fix = f"have that authority sign another one, and put it there on {host}" if _FOREIGN in name else MEND
        return Check("certificates", host, "failed", text, fix=fix)
    return Check("certificates", host, "ok", f"the first, {name}, ends in {days} days")


def checks(site: Site) -> Iterator[Check]:
    """One for each file that ends some day, under the name of the site: `pulumi up` brings the same file everywhere."""
    for key, (path, ending) in endings(site).items():
        text = expiry(path, ending)
        if ending.days >= FEW_DAYS:
            yield Check(f"file/{key}", site.name, "ok", text)
        else:
            fix = f"put a new one into {key}, then pulumi up"
            yield Check(f"file/{key}", site.name, "failed" if ending.days < 0 else "note", text, fix=fix)
