"""Kernel settings of this machine that the lab changes while it runs; `give_back` restores what was there."""

import re
from pathlib import Path

from lab import paths

ROOT = Path("/")
FORWARD = "proc/sys/net/ipv4/ip_forward"
INSTANCES = "proc/sys/fs/inotify/max_user_instances"
PAGES = "sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"
LEAST = {
    FORWARD: 1,
    # All hosts share root's count: each takes about ten, with a kubelet more. At the kernel's 128, further kubelets end
    # with "inotify_init: too many open files", and kubeadm waits for them in vain.
    INSTANCES: 2048,
}
CHOSEN = {
    # Memory comes 64 KiB at a time. Most of what runs here is short-lived: a start of Python or kubectl takes a fifth
    # less processor time, since it has a third of the page faults. Kernels before 6.8 have no such file.
    PAGES: "always",
}


def take() -> None:
    """Raises each setting that is lower than the lab needs, chooses among words, and notes each value once."""
    for name, least in LEAST.items():
        if int(value(name)) < least:
            _set(name, str(least))
    for name, word in CHOSEN.items():
        if (ROOT / name).exists() and value(name) != word:
            _set(name, word)


def noted() -> dict[str, str]:
    """The values from before, of those settings that take() changed."""
    return {name: _before(name).read_text().strip() for name in (*LEAST, *CHOSEN) if _before(name).exists()}


def give_back() -> None:
    """Restores the values that take() noted."""
    for name, before in noted().items():
        (ROOT / name).write_text(f"{before}\n")
        _before(name).unlink()


def value(name: str) -> str:
    """As it would be written: of words, the kernel shows all, and the one that holds in brackets."""
    text = (ROOT / name).read_text().strip()
    chosen = re.search(r"\[(\w+)\]", text)
    return chosen[1] if chosen else text


def _set(name: str, wanted: str) -> None:
    if not _before(name).exists():
        _before(name).write_text(value(name))
    (ROOT / name).write_text(f"{wanted}\n")


def _before(name: str) -> Path:
    return paths.RUN / Path(name).name
