"""What only an emulated GPU host has: stand-ins of lspci, of nvidia-smi and of the kernel's side of GPUs.

Two kinds of host: one that came with a driver (as DGX OS does), and one whose driver is still to be installed.
"""

from pathlib import Path

from lab.hosts.inside import run_in
from lab.hosts.inventory import Host

FAKES = Path(__file__).with_name("fake")
DRIVER = "580.95.05"
"""The driver's version on hosts that come with one."""

_PROGRAMS = ("lspci", "lab-gpu", "lsmod", "modprobe")
_PARTS = ("gpu-profile", "nvidia-smi-report")
_UNIT = "etc/systemd/system/lab-gpu.service"
_UNIT_TEXT = """[Unit]
Description=The lab's stand-in for GPUs and their kernel module
DefaultDependencies=no
After=local-fs.target
Before=basic.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/bin/lab-gpu boot
"""
_WANTED = "etc/systemd/system/sysinit.target.d/lab-gpu.conf"

Files = dict[str, tuple[str, int]]
"""Path from / → text and mode."""


def files(profile: str, driver: str | None) -> Files:
    """`profile` is `COUNT [PROFILE] [WORD=VALUE…]`, as in fake/gpu-profile; `driver` the version that it comes with."""
    found = {f"usr/local/bin/{name}": ((FAKES / name).read_text(), 0o755) for name in _PROGRAMS}
    found |= {f"usr/local/lib/lab-gpu/{name}": ((FAKES / name).read_text(), 0o644) for name in _PARTS}
    found["usr/local/share/lab-gpus"] = f"{profile}\n", 0o644
    found[_UNIT] = _UNIT_TEXT, 0o644
    found[_WANTED] = "[Unit]\nWants=lab-gpu.service\n", 0o644
    return found | (_driver(driver) if driver else {})


def _driver(version: str) -> Files:
    return {
        "usr/local/bin/nvidia-smi": ((FAKES / "nvidia-smi").read_text(), 0o755),
        "usr/local/share/lab-nvidia/version": (f"{version}\n", 0o644),
        f"usr/lib/x86_64-linux-gnu/libnvidia-ml.so.{version}": ("The lab's stand-in of a library.\n", 0o644),
        f"usr/src/nvidia-{version}/dkms.conf": (f'PACKAGE_VERSION="{version}"\n', 0o644),
    }


def fit(host: Host, profile: str, driver: str | None = None) -> None:
    """Puts GPUs into a host that runs, as if it had booted with them."""
    for path, (text, mode) in files(profile, driver).items():
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
        run_in(host, ["bash", "-euc", script, "_", f"/{path}", f"{mode:o}"], stdin=text)
    run_in(host, ["lab-gpu", "boot"])


def change(host: Host, profile: str) -> None:
    """Changes the host's GPUs, or their settings, from now on."""
    run_in(host, ["bash", "-euc", "cat >/usr/local/share/lab-gpus"], stdin=f"{profile}\n")
