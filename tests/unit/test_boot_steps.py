"""What must hold before a GPU driver loads: Secure Boot's key, and no nouveau; with stand-ins for the host's tools.

Does not prove: how a real firmware or ramdisk is.
"""

from pathlib import Path

import pytest

from tests.unit.step_host import StepHost

GPU_STEPS = Path(__file__).parents[2] / "components/gpu/steps"
SECURE_BOOT = GPU_STEPS / "secure_boot.sh"
MOK = "/var/lib/dkms/mok.pub"


def mokutil(host: StepHost, says: str, status: int, state: str = "SecureBoot enabled") -> None:
    host.program("mokutil", f'[[ $1 == --sb-state ]] && echo "{state}" || {{ echo "{says}"; exit {status}; }}')


@pytest.mark.row("H20", "G3")
@pytest.mark.parametrize("status", [0, 1])
def test_an_enrolled_key_is_known_by_what_mokutil_says(host: StepHost, status: int) -> None:
    """mokutil before 0.7 ends with 1 there, later ones with 0."""
    host.file(MOK, "key")
    mokutil(host, f"{host.path(MOK)} is already enrolled", status)
    assert host.call(SECURE_BOOT, "check") == (0, "")


@pytest.mark.row("H20", "G3")
@pytest.mark.parametrize("status", [0, 1])
def test_a_key_that_is_not_enrolled_is_refused_whatever_the_status(host: StepHost, status: int) -> None:
    host.file(MOK, "key")
    mokutil(host, f"{host.path(MOK)} is not enrolled", status)
    said = host.call(SECURE_BOOT, "check")
    assert said[0] == 10
    assert f"or mokutil --import {MOK}, restart and confirm it at the console" in said[1]


@pytest.mark.row("H20", "G3")
def test_without_a_key_the_fix_makes_one_and_without_secure_boot_none_is_needed(host: StepHost) -> None:
    mokutil(host, "", 0)
    assert "or make a key (" in host.call(SECURE_BOOT, "check")[1]
    mokutil(host, "", 0, "SecureBoot disabled")
    assert host.call(SECURE_BOOT, "check") == (0, "")
    mokutil(host, "", 255, "EFI variables are not supported on this system")
    assert host.call(SECURE_BOOT, "check") == (0, "")


NOUVEAU = GPU_STEPS / "nouveau_off.sh"
KERNELS = ("6.8.0-40-generic", "6.8.0-45-generic")
MODULE = "usr/lib/modules/x/kernel/drivers/gpu/drm/nouveau/nouveau.ko.zst\n"
RULE = "etc/modprobe.d/gpu-metal-nouveau.conf\n"


@pytest.fixture
def booting(host: StepHost) -> StepHost:
    """Two kernels with a ramdisk each, a list of names here; nouveau is in the first only."""
    for kernel in KERNELS:
        host.file(f"/usr/lib/modules/{kernel}/modules.dep", "")
        host.file(f"/boot/initrd.img-{kernel}", "usr/bin/sh\n")
    with host.path(f"/boot/initrd.img-{KERNELS[0]}").open("a") as image:
        image.write(MODULE)
    host.file("/boot/initrd.img-5.15.0-1-generic", MODULE)  # of a kernel that has left
    host.program("lsmod", ":")
    host.program("lsinitramfs", 'echo "$1" >>"$(dirname "$0")/../looked"; cat "$1"')
    root = host.root
    made = f"""
        echo "$*" >>{root}/made
        image={root}/boot/initrd.img-$3
        sed -i '/modprobe.d/d' "$image"
        (cd {root}; ls etc/modprobe.d/* 2>/dev/null) >>"$image"; exit 0"""
    host.program("update-initramfs", made)
    return host


def made(host: StepHost) -> str:
    path = host.path("/made")
    return path.read_text() if path.exists() else ""


@pytest.mark.row("G2")
def test_only_a_ramdisk_with_nouveau_is_made_anew_and_undo_brings_it_back(booting: StepHost) -> None:
    first = booting.path(f"/boot/initrd.img-{KERNELS[0]}")
    before = first.read_text()
    booting.call(NOUVEAU, "apply")
    assert made(booting) == f"-u -k {KERNELS[0]}\n"
    assert first.read_text() == before + RULE
    assert booting.call(NOUVEAU, "check") == (0, "")
    looked = booting.path("/looked").read_text()
    assert booting.call(NOUVEAU, "check") == (0, "")
    assert booting.path("/looked").read_text() == looked  # a ramdisk that is right is not looked into twice
    booting.call(NOUVEAU, "undo")
    assert first.read_text() == before
    assert made(booting).count("\n") == 2
    assert not booting.path("/etc/modprobe.d").exists()


@pytest.mark.row("G2")
def test_where_nouveau_never_was_no_ramdisk_is_made_anew(booting: StepHost) -> None:
    booting.file(f"/boot/initrd.img-{KERNELS[0]}", "usr/bin/sh\n")
    booting.call(NOUVEAU, "apply")
    booting.call(NOUVEAU, "undo")
    assert made(booting) == ""


@pytest.mark.row("G2")
def test_a_ramdisk_that_got_nouveau_later_is_drift_and_one_that_keeps_it_is_said(booting: StepHost) -> None:
    booting.call(NOUVEAU, "apply")
    booting.file(f"/boot/initrd.img-{KERNELS[1]}", f"usr/bin/bash\n{MODULE}")
    image = f"/boot/initrd.img-{KERNELS[1]}"
    says = f"{image} holds nouveau, and no rule that keeps it from loading"
    assert booting.call(NOUVEAU, "check") == (10, says)
    booting.program("update-initramfs", ":")
    assert booting.call(NOUVEAU, "apply")[1].startswith(f"{says}, also after it was made anew. Fix: ")


@pytest.mark.row("G2")
def test_a_ramdisk_that_nobody_can_look_into_proves_nothing(booting: StepHost) -> None:
    booting.file(
        "/etc/modprobe.d/gpu-metal-nouveau.conf", "# gpu-metal\nblacklist nouveau\noptions nouveau modeset=0\n"
    )
    booting.program("lsinitramfs", "echo 'cpio: premature end' >&2; exit 1")
    status, said = booting.call(NOUVEAU, "check")
    assert (status, said.partition(" cannot ")[2]) == (10, "be looked into for nouveau: cpio: premature end")


@pytest.mark.row("G2")
def test_dracut_leaves_nouveau_out_by_its_own_setting(booting: StepHost) -> None:
    booting.path("/bin/update-initramfs").unlink()
    kernel = KERNELS[0]
    booting.path(f"/boot/initrd.img-{kernel}").rename(booting.path(f"/boot/initramfs-{kernel}.img"))
    omit = f"grep -qs nouveau {booting.root}/etc/dracut.conf.d/* && sed -i /nouveau/d $2"
    booting.program("dracut", f'echo "$*" >>{booting.root}/made; {omit}; exit 0')
    booting.call(NOUVEAU, "apply")
    assert made(booting) == f"--force {booting.root}/boot/initramfs-{kernel}.img {kernel}\n"
    assert booting.call(NOUVEAU, "check") == (0, "")
    assert booting.path("/etc/dracut.conf.d/gpu-metal-nouveau.conf").read_text() == (
        '# gpu-metal\nomit_drivers+=" nouveau "\n'
    )


PIN = GPU_STEPS / "driver_pin.sh"
BRANCH = {"wanted": "580", "stream": "580-dkms"}
POLICY = """libnvidia-ml1:
  Installed: 580.95.05-1
  Candidate: {}
  Version table:
     590.1-1 500
"""


@pytest.fixture
def pinned(host: StepHost) -> StepHost:
    """Two packages with nvidia in their name, one of them a part of the driver."""
    parts = "installed libnvidia-ml1 580.95.05-1\ninstalled nvidia-container-toolkit 1.18.0-1\n"
    host.program("dpkg-query", f"printf '{parts}'")
    host.program("apt-cache", f'[[ $* == "policy libnvidia-ml1" ]] && cat {host.root}/policy')
    host.file("/policy", POLICY.format("580.95.05-1"))
    assert host.call(PIN, "apply", BRANCH) == (0, "")
    assert host.call(PIN, "check", BRANCH) == (0, "")
    return host


@pytest.mark.row("G3")
def test_a_pin_of_others_that_wins_over_the_drivers_branch_is_named(pinned: StepHost) -> None:
    file = "/etc/apt/preferences.d/cuda-repository-pin-600"
    pinned.file(file, "Package: nvidia-*\nPin: release l=NVIDIA CUDA\nPin-Priority: 1002\n")
    pinned.file("/etc/apt/preferences.d/php", "Package: php*\nPin: version 8.*\nPin-Priority: 600\n")
    pinned.file("/policy", POLICY.format("590.1-1"))
    assert pinned.call(PIN, "check", BRANCH) == (
        10,
        "apt would replace libnvidia-ml1 by 590.1-1, wants 580.* only: another pin wins over ours. "
        f"Fix: take the driver's packages out of {file}",
    )
