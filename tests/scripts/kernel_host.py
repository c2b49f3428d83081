"""What the tests of the kernel and of its reboot share: the host, and stand-ins on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from components.host.config import Host
from tests.scripts.lab_host import HOST, LabHost

SBIN = "/usr/local/sbin"

UPDATE_GRUB = """\
#!/bin/sh
. /etc/default/grub
for file in /etc/default/grub.d/*.cfg; do if [ -e "$file" ]; then . "$file"; fi; done
mkdir -p /boot/grub
echo "linux /vmlinuz root=/dev/sda1 ro $GRUB_CMDLINE_LINUX" >/boot/grub/grub.cfg
"""


@contextmanager
def installed(machine: LabHost) -> Iterator[LabHost]:
    """With the library; all is undone afterwards, and no stand-in is left."""
    machine.install()
    yield machine
    machine.remove()
    machine.bash(f"rm -f {SBIN}/*")


def site_host(**kernel: Any) -> Host:
    values = {"name": HOST.name, "address": HOST.address, "hostKey": "ssh-ed25519 AAAA", "kernel": kernel}
    return Host.model_validate(values)


def stand_in(host: LabHost, name: str, text: str) -> None:
    host.bash(f"cat >{SBIN}/{name}; chmod +x {SBIN}/{name}", text)
