"""Kernel settings of this machine that the lab changes while it runs; `give_back` restores what was there."""

from pathlib import Path

from lab import paths

SYS = Path("/proc/sys")
FORWARD = "net/ipv4/ip_forward"
INSTANCES = "fs/inotify/max_user_instances"
LEAST = {
    FORWARD: 1,
    # All hosts share root's count: each takes about ten, with a kubelet more. At the kernel's 128, further kubelets end
    # with "inotify_init: too many open files", and kubeadm waits for them in vain.
    INSTANCES: 2048,
}


def take() -> None:
    """Raises each setting that is lower than the lab needs, and notes its value once."""
    for name, least in LEAST.items():
        value = (SYS / name).read_text()
        if int(value) < least:
            if not _before(name).exists():
                _before(name).write_text(value)
            (SYS / name).write_text(f"{least}\n")


def noted() -> dict[str, str]:
    """The values from before, of those settings that take() raised."""
    return {name: _before(name).read_text() for name in LEAST if _before(name).exists()}


def give_back() -> None:
    """Restores the values that take() noted."""
    for name, value in noted().items():
        (SYS / name).write_text(value)
        _before(name).unlink()


def _before(name: str) -> Path:
    return paths.RUN / Path(name).name
