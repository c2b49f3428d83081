"""The work that all do, learned from a host that we prepared: packages, files and settings, so that it is the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.hosts.inside import Snapshot
from tests.lab.stack import on

KEY, FIRST, NEXT = "net.core.somaxconn", "4096", "5000"
"""The kernel's setting that is edited, and its two values."""
SITE = {
    "sysctl": {KEY: FIRST},
    "limits": {"nofile": 65536},
    "engine": {"package": "containerd", "cgroupDriver": "cgroupfs"},
}
SERVICE = "containerd"
ALSO_OURS = {"/etc/hosts", "/etc/containerd/config.toml"}


@dataclass(frozen=True)
class File:
    """A file as it should be."""

    text: str
    mode: str
    """Octal: `644`."""


@dataclass(frozen=True)
class Work:
    """What a host has when the work is done."""

    packages: Sequence[str]
    files: Mapping[str, File]
    sysctl: Mapping[str, str]

    def with_setting(self, value: str) -> "Work":
        """The same with another value of KEY."""
        files = {
            path: File(file.text.replace(f"{KEY} = {self.sysctl[KEY]}", f"{KEY} = {value}"), file.mode)
            for path, file in self.files.items()
        }
        if files == self.files:
            raise SystemExit(f"✗ no file of ours sets {KEY}: the edit cannot be given to the peers")
        return Work(self.packages, files, {KEY: value})


def learned(host: str, before: Snapshot, after: Snapshot) -> Work:
    """What a run of ours brought to that host; the runner and its records do not count."""
    packages = sorted(name.partition(":")[0] for name in after["packages"] if name not in before["packages"])
    changed = [path for path, entry in after["files"].items() if before["files"].get(path) != entry]
    paths = [path for path in changed if after["files"][path].kind == "f" and _is_ours(path)]
    return Work(packages, {path: _read(host, path) for path in paths}, {KEY: FIRST})


def _is_ours(path: str) -> bool:
    kept = path.startswith("/var/lib/") or path == "/usr/local/sbin/gpu-metal"
    return not kept and ("gpu-metal" in path or path in ALSO_OURS)


def _read(host: str, path: str) -> File:
    return File(on(host, ["cat", path]), on(host, ["stat", "-c", "%a", path]).strip())
