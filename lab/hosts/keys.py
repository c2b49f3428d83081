"""The lab's own secrets, made once, readable by their owner alone."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import paths
from lab.hosts.command import run
from lab.hosts.inventory import HOSTS, Host

USER_KEY = paths.LAB / "id_ed25519"
KNOWN_HOSTS = paths.LAB / "known_hosts"
PASSPHRASE = paths.LAB / "passphrase"


def host_key(host: Host) -> Path:
    """The private host key of a host; the public one is beside it."""
    return paths.LAB / "host-keys" / host.name


def make() -> None:
    """Makes what is missing; never changes what is there. Needs no root."""
    with private():
        _make()


@contextmanager
def private() -> Iterator[None]:
    """Files made in the block are readable by their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _make() -> None:
    for folder in (paths.LAB, paths.LAB / "host-keys", paths.LAB / "state", paths.LAB / "pulumi"):
        folder.mkdir(parents=True, exist_ok=True)
    paths.LAB.chmod(0o700)
    _key(USER_KEY, "gpu-metal-lab")
    for host in HOSTS.values():
        _key(host_key(host), host.name)
    if not PASSPHRASE.exists():
        _replace(PASSPHRASE, secrets.token_urlsafe(32) + "\n")
    lines = "".join(_known(host) for host in HOSTS.values())
    if not KNOWN_HOSTS.exists() or KNOWN_HOSTS.read_text() != lines:
        _replace(KNOWN_HOSTS, lines)


def _key(path: Path, comment: str) -> None:
    public = path.with_name(path.name + ".pub")
    if not path.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
    public.chmod(0o600)


def _known(host: Host) -> str:
    kind, key, *_ = host_key(host).with_name(host.name + ".pub").read_text().split()
    return f"{host.address} {kind} {key}\n{host.name} {kind} {key}\n"


def _replace(path: Path, text: str) -> None:
    """Writes the file whole or not at all, for readers at the same moment."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)
