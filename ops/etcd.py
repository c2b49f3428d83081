"""Whether etcd of a control plane has room: on its disk, and below the size at which it takes no more writes.

Rows: K15, M3.
"""

from components.hostrun.report import Check
from components.hostrun.ssh import Result

ROOM = """
df --output=avail -B 1M /var/lib/etcd | tail -n 1
curl -s --noproxy '*' --max-time 5 http://127.0.0.1:2381/metrics |
    sed -nE 's/^etcd_(mvcc_db_total_size_in|server_quota_backend)_bytes //p'
"""
"""Prints the free MB of its disk, then, if it runs, the size of its data and its limit, in bytes (in the order in which
etcd has them)."""
_LOG = 64
"""MB: it takes so much for its next log, and ends without: https://etcd.io/docs/v3.6/op-guide/hardware/#disks"""
_MUCH = 0.8


def check(host: str, answer: Result) -> Check:
    """Its room, from what ROOM printed on the host. Whether it runs at all, the API server's check says."""
    try:
        free, *sizes = [float(line) for line in answer.stdout.split()]
    except ValueError:
        return Check("etcd-room", host, "failed", "could not be read.", fix="pulumi up")
    if free < _LOG:
        saw, fix = (
            f"the disk of /var/lib/etcd has {free:.0f} MB free, and etcd ends without room.",
            "df -h /var/lib/etcd",
        )
        return Check("etcd-room", host, "failed", saw, fix=f"there: {fix}; free some")
    if len(sizes) == 2 and sizes[0] > _MUCH * sizes[1]:
        saw = f"etcd's data is {sizes[0] / 2**20:.0f} MB, and at {sizes[1] / 2**20:.0f} MB it takes no more writes."
        fix = (
            "see what is so many (kubectl get events -A | wc -l), then https://etcd.io/docs/v3.6/op-guide/maintenance/"
        )
        return Check("etcd-room", host, "failed", saw, fix=fix)
    size = "" if len(sizes) == 2 else "; the size of its data is not known, as its metrics do not answer"
    return Check("etcd-room", host, "ok", f"{free:.0f} MB free{size}")
