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
KUBELET = """
pem=/var/lib/kubelet/pki/kubelet-client-current.pem
for day in startdate enddate; do
    said=$(openssl x509 -in $pem -noout -$day | cut -d = -f 2)
    if [ -n "$said" ]; then date -d "$said" +%s; fi
done
"""
"""Prints from when and until when the certificate is valid by which a kubelet signs in (seconds since 1970)."""
_DAY = 24 * 3600
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
    days = int(when - time.time()) // _DAY
    if days < 0:
        text = f"/etc/kubernetes/{name} ended {-days} days ago."
        fix = f"have that authority sign another one, and put it there on {host}" if _FOREIGN in name else MEND
        return Check("certificates", host, "failed", text, fix=fix)
    return Check("certificates", host, "ok", f"the first, {name}, ends in {days} days")


def kubelet(host: str, answer: Result) -> Check:
    """When the certificate ends by which the kubelet signs in, from what KUBELET printed.

    A kubelet asks for another one after 70 to 90 % of its time: with 5 % left, that has failed for long.
    """
    id_, days = "kubelet-sign-in", answer.stdout.split()
    if answer.status or len(days) != 2 or not all(day.isdecimal() for day in days):
        return Check(id_, host, "failed", "its certificate could not be read.", fix="pulumi up")
    begin, end = map(int, days)
    left = end - time.time()
    if left < 0:
        saw = f"its certificate ended {int(-left) // _DAY} days ago, and the kubelet does not start without one."
        return Check(id_, host, "failed", saw, fix=MEND)
    saw = f"its certificate ends in {int(left) // _DAY} days"
    if left < min(30 * _DAY, (end - begin) / 20):
        fix = "there: journalctl -u kubelet | grep -i certificate; on a control plane: kubectl get csr"
        return Check(id_, host, "failed", f"{saw}, and the kubelet has not got another one.", fix=fix)
    return Check(id_, host, "ok", saw)


def checks(site: Site) -> Iterator[Check]:
    """One for each file that ends some day, under the name of the site: `pulumi up` brings the same file everywhere."""
    for key, (path, ending) in endings(site).items():
        text = expiry(path, ending)
        if ending.days >= FEW_DAYS:
            yield Check(f"file/{key}", site.name, "ok", text)
        else:
            fix = f"put a new one into {key}, then pulumi up"
            yield Check(f"file/{key}", site.name, "failed" if ending.days < 0 else "note", text, fix=fix)
