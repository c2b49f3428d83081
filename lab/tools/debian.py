"""Debian packages: what tools and depot call on this machine, and what the lab only takes files from."""

import hashlib
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tools.cache import TOOLS, ToolError, say, took, whole

MACHINE = (
    "skopeo",  # puts images into the registry
    "gnupg",  # signs the apt repository
    "gcc",  # pause
    "libc6-dev",
    "git",  # the repository of Shifter's stand-in
    "openssh-client",  # makes the lab's keys, before lab/hosts installs what it needs
)
"""What tools and depot need; lab/hosts installs what the hosts need."""

PARTS = Path(__file__).parents[1] / "parts"

UNPACKED = (
    "docker-registry",  # unpacked, not installed: installing it starts a service for all addresses
    "openssh-server",  # the same; for the plugins' tests
    "libwrap0",  # what it needs that neither Debian's base nor openssh-client brings
    "libnsl2",
    "libtirpc3",
    "busybox-static",
    "containernetworking-plugins",
    # The image of kube-proxy:
    "iptables",
    "libxtables12",
    "libip4tc2",
    "libip6tc2",
    "libnftnl11",
    "libmnl0",
    "conntrack",
    "libnetfilter-conntrack3",
    "libnfnetlink0",
    "libc6",
    # The lab's mount.nfs, linked statically:
    "libnfs-dev",
    "libfuse3-dev",
    # The image of the ingress:
    "haproxy",
    "libcap2",
    "libcrypt1",
    "libgcc-s1",
    "libgcrypt20",
    "libgpg-error0",
    "liblua5.3-0",
    "liblz4-1",
    "liblzma5",
    "libopentracing-c-wrapper0",
    "libopentracing1",
    "libpcre2-8-0",
    "libssl3",
    "libstdc++6",
    "libsystemd0",
    "libzstd1",
    # An image of monitoring, and the programs that its tests ask:
    "prometheus-node-exporter",
    "prometheus",  # promtool
    "prometheus-alertmanager",  # amtool
)


def wanted() -> tuple[str, ...]:
    """UNPACKED and what parts name in lab/parts/NAME/unpacked.txt, each once."""
    named = " ".join(file.read_text() for file in sorted(PARTS.glob("*/unpacked.txt")))
    return tuple(dict.fromkeys([*UNPACKED, *named.split()]))


_KEY = "debian-" + hashlib.sha256(" ".join(wanted()).encode()).hexdigest()[:8]


def unpacked(package: str) -> Path:
    """The folder with a package's files, as they would be under /."""
    return TOOLS / _KEY / package


def packages() -> None:
    """Installs what the machine lacks and unpacks the rest into the cache.

    Raises ToolError when this is not Debian, or a package is missing and cannot be installed.
    """
    since = time.monotonic()
    _install(_missing())
    cached = (TOOLS / _KEY).exists()
    whole(_KEY, lambda folder: _unpack(folder, wanted()))
    say("debian packages", "cached" if cached else f"unpacked {len(wanted())} packages ({took(since)})")


def _missing() -> list[str]:
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *MACHINE]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ToolError(
            "lab [debian] the lab needs Debian and its packages. Fix: `make preview` runs anywhere."
        ) from error
    there = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in MACHINE if package not in there]


def _install(missing: list[str]) -> None:
    if not missing:
        return
    if os.geteuid() != 0:
        raise ToolError(f"lab [debian] missing: {' '.join(missing)}. Fix: sudo apt-get install {' '.join(missing)}")
    since = time.monotonic()
    _apt("update", "-qq")
    _apt("install", "-qq", "--yes", "--no-install-recommends", *missing)
    say("debian packages", f"installed {' '.join(missing)} ({took(since)})")


def beside(*names: str) -> Path:
    """The folder with packages that only one long test needs, each unpacked into a folder of its name."""
    return whole(key_beside(*names), lambda folder: _unpack(folder, names))


def key_beside(*names: str) -> str:
    """That folder's name in the cache."""
    return "debian-" + "-".join(names)


def _unpack(folder: Path, names: Sequence[str]) -> None:
    downloads = folder / ".deb"
    downloads.mkdir()
    try:
        _apt("download", "-qq", *names, cwd=downloads)
    except ToolError:
        _apt("update", "-qq")  # the lists may name versions that the archive no longer has
        _apt("download", "-qq", *names, cwd=downloads)
    for package in names:
        (deb,) = downloads.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(deb), str(folder / package)], check=True)
        deb.unlink()
    downloads.rmdir()


def _apt(*arguments: str, cwd: Path | None = None) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = "\n  ".join(done.stderr.strip().splitlines()[-6:])
        raise ToolError(f"lab [debian] apt-get {arguments[0]} failed:\n  {said}")
