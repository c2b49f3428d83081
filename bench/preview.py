"""What a first preview of a site with Kubernetes costs by its size: `python -m bench.preview 10 100 300 1000`.

No host is needed: a preview asks none. Wall clock is the machine's as much as ours; compare CPU seconds.
"""

import resource
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from lab.paths import LAB
from tests.lab.stack import ROOT, Stack

FIRST = IPv4Address("10.60.0.1")
PAUSE = 0.2
"""Seconds between two looks at the memory."""


def main() -> None:
    """One line for each size."""
    for words in sys.argv[1:] or ["10", "100", "300", "1000"]:
        with tempfile.TemporaryDirectory(prefix="gpu-metal-bench.") as folder:
            print(measured(int(words), Path(folder)), flush=True)  # noqa: T201 - its purpose


def measured(count: int, folder: Path) -> str:
    """Seconds, and the most memory that all processes had together."""
    stack = Stack("bench", folder)
    stack.create(site(count, folder))
    command = stack.command("preview", "--suppress-outputs", "--suppress-progress")
    before, begun, most = used(), time.monotonic(), 0
    with (folder / "log").open("w") as log:
        run = subprocess.Popen(command, cwd=ROOT, env=stack.env, stdout=log, stderr=log)
        while run.poll() is None:
            most = max(most, memory(run.pid))
            time.sleep(PAUSE)
    if run.returncode:
        raise SystemExit(f"✗ {count} hosts: the preview failed\n{(folder / 'log').read_text()[-3000:]}")
    seconds, cpu = time.monotonic() - begun, used() - before
    return (
        f"{count:5} hosts  {seconds:6.1f} s, {cpu:6.1f} s of CPU, {1000 * cpu / count:5.1f} ms a host, {most >> 20} MB"
    )


def site(count: int, folder: Path) -> Mapping[str, Any]:
    """One control plane and GPU nodes."""
    addresses = [str(FIRST + number) for number in range(count)]
    names = ["cp-1", *(f"gpu-{number}" for number in range(1, count))]
    keys = (b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + sha256(a.encode()).digest()).decode() for a in addresses)
    lines = (f"{address} ssh-ed25519 {key}\n" for address, key in zip(addresses, keys, strict=True))
    (folder / "known_hosts").write_text("".join(lines))
    gpu = {"gpu": {"model": "A100-SXM4-80GB", "count": 8}, "taints": ["nvidia.com/gpu=present:NoSchedule"]}
    hosts = {
        name: {"address": address, **({"group": "gpu"} if name != "cp-1" else {"roles": ["control-plane"]})}
        for name, address in zip(names, addresses, strict=True)
    }
    return {
        "knownHosts": str(folder / "known_hosts"),
        "ssh": {"user": "deploy", "keyFile": str(LAB / "id_ed25519")},
        "groups": {"gpu": gpu},
        "hosts": hosts,
        "engine": {"package": "containerd"},
        "kubernetes": {"version": "1.34.2"},
        "network": {"podSubnet": "10.128.0.0/12", "pods": {"kind": "bridge"}},
        "users": {"ana": {}},
        "projects": {"vision": {"gpus": 4, "cpu": "4", "memory": "8Gi", "members": ["ana"]}},
    }


def used() -> float:
    """CPU seconds of all processes that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def memory(root: int) -> int:
    """Resident bytes of a process and all below it."""
    below: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
        except OSError:  # it has ended
            continue
        if fields:
            below.setdefault(int(fields[1]), []).append(int(entry.name))
            pages[int(entry.name)] = int(fields[21])
    found, left = 0, [root]
    while left:
        process = left.pop()
        found += pages.get(process, 0) * resource.getpagesize()
        left += below.get(process, [])
    return found


if __name__ == "__main__":
    main()
