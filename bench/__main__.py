"""How close we are to the fastest way: we prepare one fresh lab host (base and engine), then plain bash does the same.

Both in one run, on the same host with a new disk each time. The bash script, over one SSH connection, has no checks,
ledger or undo: it installs the packages that we installed, writes the files that we wrote, restarts the services once.
"""

import asyncio
import shlex
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from components.hostrun.ssh import Target, run
from lab.hosts import faults, inventory, lab
from lab.hosts.inside import Snapshot
from lab.paths import LAB
from tests.lab.stack import Stack, on

HOST = inventory.host("spare-1")
SITE = {
    "knownHosts": str(LAB / "known_hosts"),
    "ssh": {"user": inventory.USER, "keyFile": str(LAB / "id_ed25519")},
    "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 1},
    "sysctl": {"net.core.somaxconn": "4096"},
    "limits": {"nofile": 65536},
    "engine": {"package": "containerd", "cgroupDriver": "cgroupfs"},
    "hosts": {HOST.name: {"address": HOST.address}},
}
ALSO_OURS = {"/etc/hosts", "/etc/containerd/config.toml"}


def main() -> None:
    """Prints the seconds of both, and the ratio."""
    lab.up(print)
    before = fresh()
    with tempfile.TemporaryDirectory(prefix="gpu-metal-bench.") as folder:
        stack = Stack("bench", Path(folder))
        stack.create(SITE)
        ran = stack.up().ok()
        resources = stack.export()["deployment"]["resources"]
    show("pulumi up", ran.seconds, logins(), sum(r["type"].startswith("command:remote:") for r in resources))
    after = faults.snapshot(HOST)
    script = plain(before, after)
    fresh()
    seconds = asyncio.run(by_bash(script))
    missing = set(after["packages"]) - set(faults.snapshot(HOST)["packages"])
    if missing:
        raise SystemExit(f"✗ bash did not bring {', '.join(sorted(missing))}: the two cannot be compared")
    show("plain bash", seconds, logins(), 0)
    print(f"ratio {ran.seconds / seconds:.2f}")  # noqa: T201 - its purpose
    lab.stop(HOST)


def fresh() -> Snapshot:
    """The host as it is after installation."""
    lab.reset(HOST)
    return faults.snapshot(HOST)


def logins() -> int:
    """The SSH connections that the host has seen."""
    return on(HOST.name, ["journalctl", "--quiet", "--unit", "ssh"]).count("Accepted publickey")


def plain(before: Snapshot, after: Snapshot) -> str:
    """The commands that bring a host from `before` to `after`."""
    packages = sorted(name.partition(":")[0] for name in after["packages"] if name not in before["packages"])
    changed = [path for path, entry in after["files"].items() if before["files"].get(path) != entry]
    lines = [
        "set -e",
        "export DEBIAN_FRONTEND=noninteractive",
        "apt-get update -q",
        shlex.join(["apt-get", "install", "-qy", "--no-install-recommends", *packages]),
        *(line for path in changed if after["files"][path].kind == "f" and is_ours(path) for line in writing(path)),
        "sysctl -q --system",
        "systemctl restart containerd",
    ]
    return "\n".join(lines) + "\n"


def is_ours(path: str) -> bool:
    """Whether a step wrote the file; the runner and its records do not count."""
    kept = path.startswith("/var/lib/") or path == "/usr/local/sbin/gpu-metal"
    return not kept and ("gpu-metal" in path or path in ALSO_OURS)


def writing(path: str) -> Sequence[str]:
    """The commands that write the host's present file, as a here-document."""
    name = shlex.quote(path)
    return [
        f"mkdir -p {shlex.quote(str(Path(path).parent))}",
        f"cat >{name} <<'END'",
        on(HOST.name, ["cat", path]) + "END",
    ]


async def by_bash(script: str) -> float:
    """Seconds for the script, including the login."""
    known = (LAB / "known_hosts").read_text().splitlines()
    [key] = [line.split(maxsplit=1)[1] for line in known if line.startswith(f"{HOST.address} ")]
    target = Target(HOST.name, HOST.address, 22, inventory.USER, key, (LAB / "id_ed25519").read_text())
    begun = time.monotonic()
    done = await run(target, "bash -s", stdin=script.encode(), deadline=900)
    seconds = time.monotonic() - begun
    if done.status != 0:
        raise SystemExit(f"✗ bash ended with status {done.status}: {done.stderr[-1000:]}")
    return seconds


def show(what: str, seconds: float, connections: int, resources: int) -> None:
    """Prints one line of results."""
    print(f"{what:<12}{seconds:6.1f} s, SSH connections {connections}, resources on the host {resources}")  # noqa: T201


if __name__ == "__main__":
    main()
