"""An emulated GPU host for tests of the gpu room's steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from components.host.config import Host
from lab.hosts import gpus
from lab.hosts.inventory import GATEWAY, WEB_PORT
from tests.scripts.lab_host import LabHost

A100 = {"model": "A100-SXM4-80GB", "count": 8}
H100 = {"model": "H100-SXM5-80GB", "count": 8}
A6000 = {"model": "RTX-A6000", "count": 2}

JOB = """
touch /dev/nvidia-uvm
setsid bash -c 'exec 9</dev/nvidia-uvm; exec sleep 600' >/dev/null 2>&1 & echo $! >/run/job
until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done
"""
"""Computes on the GPUs, as far as anybody can see from outside."""
END_OF_JOB = "kill $(cat /run/job); while [ -e /proc/$(cat /run/job) ]; do sleep 0.05; done"

TOOLS = """#!/bin/sh
case $0 in *lsinitramfs) exec cat "$1" ;; esac
echo "${0##*/} $*" >>/run/ramdisk
sed -i /modprobe.d/d "/boot/initrd.img-$3"
(cd /; ls etc/modprobe.d/gpu-metal-nouveau.conf 2>/dev/null) >>"/boot/initrd.img-$3" || true
"""
"""For a ramdisk that is the list of what would be in it."""

RAMDISK = """
cd /usr/local/sbin; cat >update-initramfs; chmod 0755 update-initramfs; ln -sf update-initramfs lsinitramfs
mkdir -p /usr/lib/modules/$(uname -r)
echo usr/lib/modules/kernel/drivers/gpu/drm/nouveau/nouveau.ko >/boot/initrd.img-$(uname -r)
"""


def site_host(host: LabHost, **gpu: Any) -> Host:
    """The host as its site declares it."""
    machine = host.machine
    values = {"name": machine.name, "address": machine.address, "hostKey": "ssh-ed25519 AAAA", "gpu": gpu}
    return Host.model_validate(values)


@contextmanager
def gpu_host(spare: LabHost, profile: str, driver: str | None = None) -> Iterator[LabHost]:
    """The spare host with those GPUs, the depot's stand-ins of NVIDIA's packages, and a ramdisk with nouveau."""
    gpus.fit(spare.machine, profile, driver)
    source = f"deb [trusted=yes] http://{GATEWAY}:{WEB_PORT}/apt ./\n"
    spare.bash("cat >/etc/apt/sources.list.d/nvidia.list; apt-get update -q >/dev/null", source)
    spare.bash(RAMDISK, TOOLS)
    yield spare


def reboot(host: LabHost) -> None:
    """As far as GPUs and the runner's volatile folder are concerned."""
    host.bash("rm -f /run/gpu-metal/reboot-due; rm -rf /run/lab-gpu; lab-gpu boot")
