"""Data disks on an emulated host: loop devices (row H2).

Not proven here: a disk that is there again after a boot (the lab has no udev), xfs, a disk that is pulled.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from components.host import machine_steps
from components.host.config import Host
from components.hostrun.step import Step
from tests.scripts.lab_host import HOST, LabHost, fresh

pytestmark = [pytest.mark.lab, pytest.mark.row("H2")]

MBR = (
    r"printf '\0\x20\x21\0\x83\x20\x21\0\0\x08\0\0\0\x80\0\0' | dd of={0} bs=1 seek=446 status=none; "
    r"printf '\x55\xaa' | dd of={0} bs=1 seek=510 status=none"
)
LVM = r"printf 'LABELONE\x01\0\0\0\0\0\0\0' | dd of={0} bs=512 seek=1 status=none"


@pytest.fixture(scope="module")
def spare() -> Iterator[LabHost]:
    """A host that may have loop devices."""
    with fresh(HOST) as host:
        host.bash("for n in {0..31}; do mknod /dev/loop$n b 7 $n; done; mknod /dev/loop-control c 10 237")
        yield host


def attach(host: LabHost, name: str) -> str:
    """A blank disk of 64 MB."""
    return host.bash(f"truncate -s 64M /root/{name}.img; losetup --find --show /root/{name}.img").strip()


def detach(host: LabHost, device: str) -> None:
    host.bash(f"umount -q {device} || true; losetup -d {device}; rm -f /root/*.img")


@pytest.fixture
def disk(spare: LabHost) -> Iterator[str]:
    device = attach(spare, "disk")
    yield device
    detach(spare, device)


def site_host(device: str, **more: Any) -> Host:
    values = {"name": HOST.name, "address": HOST.address, "hostKey": "ssh-ed25519 AAAA"}
    return Host.model_validate({**values, "disks": [{"device": device, "mount": "/data", **more}]})


def mounts(device: str, **more: Any) -> list[Step]:
    return machine_steps.disks(site_host(device, **more))


def says(host: LabHost, steps: list[Step]) -> str:
    done = host.run("base", steps)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_a_blank_disk_is_formatted_mounted_and_given_back_with_its_data(installed: LabHost, disk: str) -> None:
    before = installed.bash("cat /etc/fstab")
    installed.apply("base", mounts(disk, owner="deploy", options=["noatime"]))
    assert installed.apply("base", mounts(disk, owner="deploy", options=["noatime"]))["disk_mount#data"] == "unchanged"
    seen = installed.bash("findmnt -nro SOURCE,FSTYPE,OPTIONS /data; stat -c %U /data")
    assert seen == f"{disk} ext4 rw,noatime\ndeploy\n"
    uuid = installed.bash(f"blkid -p -o value -s UUID {disk}").strip()
    assert installed.bash("cat /etc/fstab") == f"{before}UUID={uuid} /data ext4 noatime,nofail,x-gpu-metal 0 2\n"
    installed.bash(
        "echo precious >/data/file; umount /data; sed -i '/gpu-metal/d' /etc/fstab; echo '# mine' >>/etc/fstab"
    )
    assert installed.check()["disk_mount#data"] == ("drift", f"has nothing mounted at /data, wants {disk}")
    installed.apply("base", mounts(disk, options=["nodev"]))
    assert "nodev" in installed.bash("cat /data/file; findmnt -nro OPTIONS /data")
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash("cat /etc/fstab; ls -d /data 2>&1 || true") == (
        f"{before}# mine\nls: cannot access '/data': No such file or directory\n"
    )
    assert installed.bash(f"mount {disk} /mnt; cat /mnt/file; umount /mnt") == "precious\n"
    installed.bash("sed -i '/# mine/d' /etc/fstab")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("mkswap {0}", "holds swap;"),
        (MBR, "holds dos;"),
        (LVM, "holds data without a signature;"),
        ("echo database | dd of={0} bs=1 seek=100000 status=none", "holds data without a signature;"),
        ("echo database | dd of={0} bs=1 seek=67000000 status=none", "holds data without a signature;"),
        ("mke2fs -q {0} && mount -o ro {0} /mnt", "holds a mount at /mnt;"),
    ],
)
def test_a_disk_that_holds_anything_is_not_formatted(installed: LabHost, disk: str, made: str, said: str) -> None:
    installed.bash(made.format(disk))
    sum_before = installed.bash(f"sha256sum {disk}")
    refusal = says(installed, mounts(disk))
    assert f"{disk} {said}" in refusal
    assert "Nothing was written to it. Fix: " in refusal
    assert installed.bash(f"sha256sum {disk}") == sum_before
    assert "gpu-metal" not in installed.bash("cat /etc/fstab; umount /mnt 2>/dev/null || true")


def test_a_mount_hides_nothing_and_a_busy_one_stays(installed: LabHost, disk: str) -> None:
    assert f"has no device {disk}x, wants it. Fix: correct disks[].device" in says(installed, mounts(f"{disk}x"))
    installed.bash("mkdir /data; echo old >/data/file")
    assert "has 1 entries in /data, which the mount would hide. Fix: " in says(installed, mounts(disk))
    installed.bash("rm /data/file; echo '/dev/sdz /data ext4 defaults 0 0' >>/etc/fstab")
    assert "has in /etc/fstab a line of its own for /data: /dev/sdz /data ext4" in says(installed, mounts(disk))
    installed.bash("sed -i '/sdz/d' /etc/fstab")
    installed.apply("base", mounts(disk))
    pid = installed.bash("cd /data; sleep 300 </dev/null >/dev/null 2>&1 & echo $!").strip()
    undone = installed.gpu_metal("undo base")
    assert undone.returncode == 1
    assert f"/data is in use by sleep (process {pid}). It was not unmounted. Fix: " in undone.stderr
    assert set(installed.check()) == {"run"}  # it holds as before, and the undo is still to end
    installed.bash(f"kill {pid}")
    assert installed.gpu_metal("undo base").returncode == 0
    installed.bash("rmdir /data")


def test_another_disk_takes_the_place_and_the_former_keeps_its_data(installed: LabHost, disk: str) -> None:
    other = attach(installed, "other")
    installed.apply("base", mounts(disk))
    installed.bash("echo first >/data/file")
    assert installed.apply("base", mounts(other))["disk_mount#data"] == "changed"
    assert installed.bash("findmnt -nro SOURCE /data; ls /data") == f"{other}\nlost+found\n"
    assert installed.apply("base", mounts(disk))["disk_mount#data"] == "changed"
    assert installed.bash("cat /data/file; grep -c gpu-metal /etc/fstab") == "first\n1\n"
    assert installed.apply("base", []) == {}
    assert installed.bash("grep -c gpu-metal /etc/fstab || true; ls -d /data 2>/dev/null || true") == "0\n"
    detach(installed, other)


@pytest.mark.row("H16")
def test_preflight_says_of_a_disk_what_stands_in_the_way(installed: LabHost, disk: str) -> None:
    def asked(device: str) -> str:
        return installed.questions(machine_steps.preflight(site_host(device))).get("disk_free#data", "")

    assert asked(disk) == ""
    assert asked("/dev/sdz").startswith("has no disk /dev/sdz, wants it for /data. Fix: ")
    installed.apply("base", mounts(disk))
    assert asked(disk) == ""
    installed.apply("base", [])
    assert asked(disk) == ""
    installed.bash(f"mount {disk} /mnt")
    assert asked(disk).startswith(
        f"has a mount at /mnt on {disk}, wants it blank, or with ext4 to mount at /data. Fix: "
    )
    installed.bash(f"umount /mnt; mkswap -f {disk}")
    assert asked(disk).startswith(f"has swap on {disk}, wants it blank")
