"""For tests: runs commands in a host without its network and sshd, and takes snapshots of its state."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

from lab.hosts import cgroups
from lab.hosts.inventory import Host, LabError
from lab.hosts.machine import SBIN

ENVIRONMENT = {"PATH": SBIN, "HOME": "/root", "LANG": "C.UTF-8"}
FOLDERS = ("/etc", "/usr/local", "/var/lib")
ROOTS = ("/boot", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/usr", "/usr/src", "/var", "/var/opt")
"""Folders that a system has, even when empty: a snapshot has only whether they exist, their mode and owner."""
VOLATILE = (  # bookkeeping that any installation or boot leaves changed
    "/etc/.pwd.lock",
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/ld.so.cache",
    "/etc/mtab",
    "/etc/passwd-",
    "/etc/resolv.conf",
    "/etc/shadow-",
    "/etc/subgid-",
    "/etc/subuid-",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/logrotate",
    "/var/lib/systemd",
)
UNITS = "/etc/systemd/system/"
BUSY = ("chrony", "cni", "containerd", "docker", "etcd", "kubelet")  # below /var/lib: only whether they are empty


class Entry(NamedTuple):
    """One file. Its content is a SHA-256, a link's target, or of a busy folder whether it is empty."""

    kind: str
    mode: str
    owner: str
    size: int
    mtime: float
    content: str


class Snapshot(TypedDict):
    """A host at one moment; two of them are equal when nothing changed."""

    files: dict[str, Entry]
    packages: dict[str, str]
    units: dict[str, str]


def run_in(
    host: Host, argv: Sequence[str], *, stdin: str = "", check: bool = True, deadline: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs argv as root inside the host; LabError when it is late, or when check is set and it fails."""
    done = enter(host, ["-a"], argv, stdin, deadline)
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise LabError(f"{host.name} [run-in] `{shlex.join(argv)[:200]}` ended with status {done.returncode}: {said}")
    return done


def enter(
    host: Host, spaces: Sequence[str], argv: Sequence[str], stdin: str, deadline: float
) -> subprocess.CompletedProcess[str]:
    """Runs argv in some of the host's namespaces (nsenter's flags)."""
    pid = cgroups.init(host)
    if pid is None:
        raise LabError(f"{host.name} [power] is off. Fix: `python -m lab host start {host.name}`.")
    words = ["nsenter", "-t", str(pid), *spaces, "--", *argv]
    try:
        return subprocess.run(
            words, input=stdin, env=ENVIRONMENT, timeout=deadline, capture_output=True, text=True, check=False, cwd="/"
        )
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{host.name} [run-in] `{shlex.join(argv)[:200]}` did not end within {deadline:g} s") from late


def boot_id(host: Host) -> str:
    """The kernel's id of the host's current boot."""
    return run_in(host, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()


def snapshot(host: Host, *, times: bool = False) -> Snapshot:
    """Files below FOLDERS, ROOTS themselves, packages, enabled or masked units; with `times`, also those of files."""
    query = ["dpkg-query", "-W", "-f", "${Package}:${Architecture}\t${Version} ${Status}\n"]
    packages, files = run_in(host, query).stdout, _files(host, times)
    return {
        "files": files,
        "packages": dict(line.split("\t") for line in packages.splitlines()),
        "units": _units(files),
    }


def _units(files: Mapping[str, Entry]) -> dict[str, str]:
    """By systemd's links: `systemctl list-unit-files` says the same, and takes half a second of the processor."""
    links = {path: entry.content for path, entry in files.items() if entry.kind == "l" and path.startswith(UNITS)}
    return {path.rpartition("/")[2]: "masked" if to == "/dev/null" else "enabled" for path, to in links.items()}


def _files(host: Host, times: bool) -> dict[str, Entry]:
    busy = [f"/var/lib/{name}" for name in BUSY]
    find = ["find", *FOLDERS, "(", *_any_of((*VOLATILE, *busy)), ")", "-prune", "-o"]
    roots = run_in(host, ["find", *ROOTS, "-maxdepth", "0", "-printf", r"%p\t%y\t%m\t%U:%G\n"], check=False).stdout
    files = {}
    for path, kind, mode, owner in (line.split("\t") for line in roots.splitlines()):
        files[path] = Entry(kind, mode, owner, 0, 0, "")
    # No path here has a tab or a newline; one that had would break the line, and so the test, instead of being missed.
    listed = run_in(host, [*find, "-printf", r"%p\t%y\t%m\t%U:%G\t%s\t%T@\t%l\n"], deadline=300).stdout
    hashed = run_in(host, [*find, "-type", "f", "-exec", "sha256sum", "{}", "+"], deadline=300).stdout
    sums = {line[66:]: line[:64] for line in hashed.splitlines()}
    for line in listed.splitlines():
        path, kind, mode, owner, size, mtime, target = line.split("\t")
        plain = kind == "f"  # size and time of a folder depend on the file system
        when = float(mtime) if times and plain else 0
        files[path] = Entry(kind, mode, owner, int(size) if plain else 0, when, sums.get(path, target))
    return files | _busy(host, busy)


def _any_of(paths: Sequence[str]) -> list[str]:
    return [word for path in paths for word in ("-path", path, "-o")][:-1]


def _busy(host: Host, folders: Sequence[str]) -> dict[str, Entry]:
    """An absent folder and an empty one are the same: the lab's disks bring some of them."""
    used = run_in(host, ["find", *folders, "-mindepth", "1", "-maxdepth", "1", "-printf", r"%h\n"], check=False).stdout
    return {folder: Entry("d", "", "", 0, 0, "used") for folder in sorted(set(used.splitlines()))}
