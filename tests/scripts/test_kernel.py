"""The kernel's package and command line, and what is told of the machine, on an emulated host.

Not proven here: a kernel and a boot loader of the host's own. It has the machine's kernel, so that packages of kernels,
update-grub, grubby and rpm are stand-ins that answer as the real ones do.
"""

import json
from collections.abc import Iterator

import pytest

from components.host import kernel_steps
from lab.hosts import faults
from tests.scripts.kernel_host import UPDATE_GRUB, installed, site_host, stand_in
from tests.scripts.lab_host import HOST, LabHost

pytestmark = pytest.mark.lab

# A repository of two packages in a folder of the host: a kernel, and one that only needs it.
KERNELS = """\
mkdir -p /srv/kernels && cd /srv/kernels
package() {
    mkdir -p $1/DEBIAN
    printf '%s\\n' "Package: $1" "Version: 1" "Architecture: all" "Maintainer: lab" "Description: lab" \\
        ${2:+"Depends: $2"} >$1/DEBIAN/control
    dpkg-deb --build $1 $1.deb >&2
    dpkg-deb -f $1.deb
    printf '%s\\n' "Filename: $1.deb" "Size: $(stat -c %s $1.deb)" "SHA256: $(sha256sum <$1.deb | cut -c -64)" ''
}
{ package "linux-image-$1"; package linux-image-lab "linux-image-$1"; } >Packages
echo 'deb [trusted=yes] file:/srv/kernels ./' >/etc/apt/sources.list
"""
GRUBBY = """\
#!/bin/sh
echo "$*" >>/run/grubby
for word; do case $word in --args=*) printf '%s' "${word#--args=}" >/run/grubby.args ;; esac; done
[ "$1" != --info=DEFAULT ] || printf 'index=0\\nargs="ro %s"\\n' "$(cat /run/grubby.args 2>/dev/null)"
"""
RPM = """\
#!/bin/sh
case "$*" in
  *--last*) printf '%s Tue 01 Sep 2026\\n' kernel-5.14.0-503.11.1.el9_5.x86_64 kernel-5.14.0-70.el9.x86_64 ;;
  *) printf '5.14.0\\n' ;;
esac
"""


@pytest.fixture
def host(spare: LabHost) -> Iterator[LabHost]:
    with installed(spare) as host:
        yield host


@pytest.mark.row("H13", "H16", "H19")
def test_preflight_says_an_old_kernel_old_control_groups_and_a_full_boot(spare: LabHost) -> None:
    good = site_host(atLeast="2.6")
    assert spare.questions(kernel_steps.checks(good)) == {}
    bad = [*kernel_steps.checks(site_host(atLeast="99.1"), cgroup_v2=True)]
    bad += [step for step in kernel_steps.checks(site_host(package="linux-image-lab")) if step.id == "boot_space"]
    with faults.full_disk(HOST, "/boot", size="64k"):
        spare.bash("head -c 50000 /dev/zero >/boot/initrd.img-1")
        said = spare.questions(bad)
    v1 = spare.bash("stat -fc %T /sys/fs/cgroup") != "cgroup2fs\n"
    assert set(said) == {"kernel_floor", "boot_space", *(["cgroup"] if v1 else [])}
    assert said["kernel_floor"].endswith(
        "wants 99.1 or newer. Fix: name a newer one in kernel.package, and \
kernel.reboot: when-needed"
    )
    assert said["boot_space"].startswith(
        "has 0 MB free on /boot, wants 25: an initramfs is rebuilt beside the old one. \
Fix: remove old kernels: apt-get autoremove --purge"
    )


@pytest.mark.row("H13")
def test_a_kernel_package_is_installed_held_and_due_until_it_runs(host: LabHost) -> None:
    steps = kernel_steps.kernel(site_host(package="linux-image-lab"))
    host.bash(f"mkdir /root/apt; mv /etc/apt/sources.list* /root/apt; set -- 9.9.9-lab; {KERNELS}")
    assert host.apply("base", steps) == {"kernel_package": "changed"}
    assert host.apply("base", steps) == {"kernel_package": "unchanged"}
    assert host.bash("apt-mark showhold") == "linux-image-lab\n"
    running = host.bash("uname -r").strip()
    reason = f"Linux 9.9.9-lab of linux-image-lab is installed, {running} runs\n"
    assert host.bash("cat /run/gpu-metal/reboot-due") == reason
    host.bash("rm /run/gpu-metal/reboot-due")  # as a reboot does
    assert host.check()["kernel_package"] == ("drift", f"runs Linux {running}, wants 9.9.9-lab of linux-image-lab")
    assert host.gpu_metal("undo base").returncode == 0
    # What the host may run stays.
    assert host.bash("apt-mark showhold; dpkg-query -W -f '${Package}\\n' 'linux-image-*'").split() == [
        "linux-image-9.9.9-lab",
        "linux-image-lab",
    ]
    host.bash(f"apt-get purge -qy 'linux-image-*' >&2; set -- {running}; {KERNELS}")
    assert host.apply("base", steps) == {"kernel_package": "changed"}
    assert host.check() == {}
    host.bash("test ! -e /run/gpu-metal/reboot-due; apt-mark unhold linux-image-lab; apt-get purge -qy 'linux-image-*'")
    assert host.check()["kernel_package"] == ("drift", "has no linux-image-lab")
    host.bash("rm -r /srv/kernels /etc/apt/sources.list; mv /root/apt/* /etc/apt; rmdir /root/apt")


@pytest.mark.row("H13", "H19")
def test_arguments_go_into_a_file_of_ours_and_out_again(host: LabHost) -> None:
    stand_in(host, "update-grub", UPDATE_GRUB)
    host.bash("echo 'GRUB_CMDLINE_LINUX=quiet' >/etc/default/grub")
    before = host.snapshot()["files"]
    steps = kernel_steps.kernel(site_host(arguments=["iommu=pt", "lab.one=1,2"]))
    assert host.apply("base", steps) == {"kernel_arguments": "changed"}
    assert host.bash("cat /boot/grub/grub.cfg").endswith(" ro quiet iommu=pt lab.one=1,2\n")
    assert host.bash("cat /run/gpu-metal/reboot-due") == "the kernel runs without iommu=pt lab.one=1,2\n"
    assert host.apply("base", steps) == {"kernel_arguments": "unchanged"}
    host.bash("echo other >/boot/grub/grub.cfg")
    assert host.check()["kernel_arguments"] == ("drift", "/boot/grub/grub.cfg lacks iommu=pt lab.one=1,2")
    # An argument that the machine's kernel has been given: taken off the site, it is there until a reboot.
    given = host.bash("tr ' ' '\\n' </proc/cmdline | grep = | head -n 1").strip()
    assert host.apply("base", kernel_steps.kernel(site_host(arguments=[given, "lab.one=1,2"])))
    assert host.apply("base", kernel_steps.kernel(site_host(arguments=["lab.one=1,2"])))
    assert f"the kernel runs with {given}, which the site no longer has\n" in host.bash("cat /run/gpu-metal/reboot-due")
    assert host.gpu_metal("undo base").returncode == 0
    assert host.bash("cat /boot/grub/grub.cfg").endswith(" ro quiet\n")
    host.bash("rm -r /boot/grub")
    assert {p for p in host.snapshot()["files"] if not p.startswith("/var/lib/gpu-metal")} == {
        p for p in before if not p.startswith("/var/lib/gpu-metal")
    }


@pytest.mark.row("H13")
def test_without_a_boot_loader_arguments_are_only_checked(host: LabHost) -> None:
    given = host.bash("tr ' ' '\\n' </proc/cmdline | grep = | head -n 1").strip()
    assert host.apply("base", kernel_steps.kernel(site_host(arguments=[given]))) == {"kernel_arguments": "unchanged"}
    done = host.run("base", kernel_steps.kernel(site_host(arguments=["lab.one=1"])))
    assert (
        "has no lab.one=1 on the kernel's command line, and no GRUB (update-grub, grubby) to set it. Fix: add it to \
what starts this host, then reboot it"
        in done.stderr
    )


@pytest.mark.row("H13")
def test_the_rhel_family_has_grubby_and_rpm(host: LabHost) -> None:
    stand_in(host, "grubby", GRUBBY)
    stand_in(host, "rpm", RPM)
    stand_in(host, "dnf", '#!/bin/sh\necho "$*" >>/run/dnf\n')
    host.bash(
        "cp -P /etc/os-release /etc/os-release.saved; rm /etc/os-release; cat >/etc/os-release; \
mkdir -p /etc/dnf/plugins; echo 'kernel-0:5.14.0-503.11.1.el9_5.*' >/etc/dnf/plugins/versionlock.list",
        'ID="rocky"\nVERSION_ID="9.5"\nID_LIKE="rhel centos fedora"\n',
    )
    first = kernel_steps.kernel(site_host(package="kernel", arguments=["iommu=pt", "lab.one=1"]))
    assert host.apply("base", first) == {"kernel_package": "changed", "kernel_arguments": "changed"}
    assert host.apply("base", first) == {"kernel_package": "unchanged", "kernel_arguments": "unchanged"}
    fewer = kernel_steps.kernel(site_host(arguments=["iommu=pt"]))
    assert host.apply("base", fewer) == {"kernel_arguments": "changed"}
    reasons = host.bash("cat /run/gpu-metal/reboot-due").splitlines()
    asked = [line for line in host.bash("cat /run/grubby").splitlines() if "--update" in line]
    host.gpu_metal("undo base")
    asked += host.bash("tail -n 1 /run/grubby").splitlines()
    host.bash("mv -f /etc/os-release.saved /etc/os-release; rm -r /etc/dnf /run/grubby*")
    assert reasons[0].startswith("Linux 5.14.0-503.11.1.el9_5.x86_64 of kernel is installed, ")
    assert asked == [
        "--update-kernel=ALL --args=iommu=pt lab.one=1",
        "--update-kernel=ALL --args=iommu=pt --remove-args=lab.one=1",
        "--update-kernel=ALL --remove-args=iommu=pt",
    ]


# An empty /sys but for what a server with two sockets has, in a mount namespace of its own.
SYSFS = """\
unshare -m bash -euc '
mount -t tmpfs lab /sys
cpu=/sys/devices/system/cpu; mkdir -p $cpu/cpuidle $cpu/cpu0/cpuidle/state0 $cpu/cpu0/cpuidle/state1 $cpu/cpu0/cpufreq
echo intel_idle >$cpu/cpuidle/current_driver
echo POLL >$cpu/cpu0/cpuidle/state0/name; echo C6 >$cpu/cpu0/cpuidle/state1/name
echo intel_pstate >$cpu/cpu0/cpufreq/scaling_driver; echo powersave >$cpu/cpu0/cpufreq/scaling_governor
mkdir -p /sys/class/iommu/dmar0 /sys/devices/system/node/node0 /sys/devices/system/node/node1
efi=/sys/firmware/efi/efivars; mkdir -p $efi
printf "\\006\\000\\000\\000\\001" >$efi/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
code=$(dirname "$(readlink -f /usr/local/sbin/gpu-metal)"); shopt -s nullglob
. "$code/text.sh"; . "$code/facts.sh"; advice'
"""


@pytest.mark.row("H20")
def test_advice_is_a_fact_and_no_check(host: LabHost) -> None:
    rows = {row["about"]: row for row in json.loads(host.bash(SYSFS))}
    assert {about: row["seen"] for about, row in rows.items() if about != "numa_balancing"} == {
        "c_states": "C6 by intel_idle",
        "governor": "powersave by intel_pstate",
        "iommu": "on",
        "secure_boot": "on",
    }
    assert all(row["advice"] for about, row in rows.items() if about != "numa_balancing")
    bare = {row["about"]: row for row in json.loads(host.bash("gpu-metal facts --json"))["advice"]}
    assert set(bare) == set(rows)
    # The lab's machines have no firmware of that kind.
    assert bare["secure_boot"] == {"about": "secure_boot", "seen": "off: started by BIOS", "advice": None}
