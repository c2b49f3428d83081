"""The machine's own steps on an emulated host: language, time zone, swap, modules, limits, tuned, services.

Not proven here: swap that is really on (it would be the machine's: /proc/swaps and swapon are stood in for), modules
that must be loaded (no module files), vm.* and kernel.* settings (the machine's), tuned's own profiles (they do).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from components.host import machine_steps
from components.hostrun.step import Step
from tests.scripts.lab_host import LabHost, leaves_no_trace, site_host

pytestmark = pytest.mark.lab

EMPTY_PROFILE = "mkdir -p /etc/tuned/{0}; printf '[main]\\nsummary=sets nothing\\n' >/etc/tuned/{0}/tuned.conf"
SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
SWAPON = """#!/bin/bash
[[ $1 == -a ]] || echo "$3 partition 1024 0 $2" >>/proc/swaps
"""
SWAPOFF = """#!/bin/bash
[[ $1 == -a ]] && head -n 1 /proc/swaps >/root/first && cat /root/first >/proc/swaps
"""


def says(host: LabHost, steps: list[Step]) -> str:
    done = host.run("base", steps)
    assert done.returncode == 1, done.stderr
    return done.stderr


@pytest.mark.row("H5", "H9", "H10", "H12", "H13")
def test_all_holds_twice_is_mended_when_cut_and_leaves_no_trace(spare: LabHost) -> None:
    host = site_host(
        locale="C.UTF-8",
        timezone="Asia/Jerusalem",
        target="multi-user",
        limits={"nofile": 4096, "core": -1},
        sysctl={"net.ipv4.tcp_fin_timeout": "41"},
        modules=["overlay"],
        swap="off",
    )
    steps = [*machine_steps.machine(host), *machine_steps.modules(host)]
    steps += [*machine_steps.sysctl(host), *machine_steps.limits(host), *machine_steps.target(host)]
    leaves_no_trace(spare, {"base": steps})


@pytest.mark.row("H5")
def test_a_locale_is_compiled_and_the_default_and_the_time_zone_set(installed: LabHost) -> None:
    def steps(locale: str) -> list[Step]:
        host = site_host(locale=locale, timezone="Asia/Jerusalem")
        return [*machine_steps.locale(host), *machine_steps.timezone(host)]

    before = installed.bash("locale -a; cat /etc/default/locale; readlink /etc/localtime; cat /etc/timezone")
    installed.apply("base", steps("en_US.UTF-8"))
    assert installed.bash("locale -a | grep en_US; cat /etc/default/locale") == "en_US.utf8\nLANG=en_US.UTF-8\n"
    assert installed.bash("date +%Z; cat /etc/timezone") == "IST\nAsia/Jerusalem\n"
    installed.bash("sed -i '/^en_US/d' /etc/locale.gen; ln -sfn /usr/share/zoneinfo/UTC /etc/localtime")
    assert {step: text for step, (_, text) in installed.check().items()} == {
        "locale": "/etc/locale.gen does not list en_US.UTF-8: an update of locales would lose it",
        "timezone": "has time zone UTC, wants Asia/Jerusalem",
    }
    installed.apply("base", steps("de_DE.UTF-8"))
    assert installed.bash("locale -a | grep _; grep '^[^#]' /etc/locale.gen") == "de_DE.utf8\nde_DE.UTF-8 UTF-8\n"
    assert "has no locale xx_XX.UTF-8 in /usr/share/i18n/SUPPORTED" in says(installed, steps("xx_XX.UTF-8"))
    assert installed.gpu_metal("undo base").returncode == 0
    now = installed.bash("locale -a; cat /etc/default/locale; readlink /etc/localtime; cat /etc/timezone")
    assert now == before


@pytest.mark.row("H12")
def test_swap_goes_off_with_what_would_turn_it_on_and_comes_back(installed: LabHost) -> None:
    with stand_in_swap(installed):
        steps = machine_steps.swap(site_host(swap="off"))
        installed.apply("base", steps)
        assert installed.bash("wc -l </proc/swaps; systemctl is-enabled swap.target zramswap || true") == (
            "1\nmasked\nmasked\n"
        )
        assert "# gpu-metal: /swap.img none swap sw 0 0" in installed.bash("cat /etc/fstab")
        installed.bash("swapon --priority 5 /dev/zram0")
        assert installed.check() == {"swap_off": ("drift", "has swap on /dev/zram0, wants none")}
        installed.apply("base", steps)
        installed.bash(
            "mv /usr/local/sbin/swapoff /root; ln -s /bin/false /usr/local/sbin/swapoff; swapon -p 5 /dev/zram0"
        )
        assert "cannot turn swap off: " in says(installed, steps)
        installed.bash("mv /root/swapoff /usr/local/sbin/swapoff")
        installed.apply("base", steps)
        assert installed.gpu_metal("undo base").returncode == 0
        assert installed.bash("cat /etc/fstab /proc/swaps; systemctl is-enabled zramswap") == (
            "/swap.img none swap sw 0 0\nFilename Type Size Used Priority\n/dev/zram0 partition 1024 0 100\nenabled\n"
        )


@contextmanager
def stand_in_swap(host: LabHost) -> Iterator[None]:
    """zram swap by a service, and a line of fstab, as the host's own tools would see them."""
    host.bash(
        "cat >/lib/systemd/system/zramswap.service; systemctl enable -q zramswap; mknod /dev/zram0 b 1 1", SERVICE
    )
    host.bash("cat >/root/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1024 0 100\n")
    host.bash("mount --bind /root/swaps /proc/swaps; mv /etc/fstab /root/fstab")
    host.bash("cat >/etc/fstab", "/swap.img none swap sw 0 0\n")
    host.bash("cat >/usr/local/sbin/swapon; chmod +x /usr/local/sbin/swapon", SWAPON)
    host.bash("cat >/usr/local/sbin/swapoff; chmod +x /usr/local/sbin/swapoff", SWAPOFF)
    yield
    host.bash("umount /proc/swaps; mv /root/fstab /etc/fstab; rm /usr/local/sbin/swap* /dev/zram0 /root/swaps")
    host.bash("systemctl disable -q zramswap; rm /lib/systemd/system/zramswap.service")


@pytest.mark.row("H13")
def test_a_module_that_the_kernel_has_not_is_named_with_the_kernel(installed: LabHost) -> None:
    kernel = installed.bash("uname -r").strip()
    said = says(installed, machine_steps.modules(site_host(modules=["ext4", "no-such"])))
    assert f"has no module no-such in its kernel {kernel}, wants it. Fix: install the modules package" in said
    assert installed.apply("base", machine_steps.modules(site_host(modules=["ext4"]))) == {
        "kernel_modules": "unchanged"
    }


@pytest.mark.row("H10")
def test_limits_hold_at_a_login_and_lock_nobody_out(installed: LabHost) -> None:
    installed.apply("base", machine_steps.limits(site_host(limits={"nofile": 4096, "nproc": 5000, "core": 0})))
    assert installed.bash("su -l deploy -c 'ulimit -n; ulimit -Hn; ulimit -u; ulimit -c'") == "4096\n4096\n5000\n0\n"
    said = says(installed, machine_steps.limits(site_host(limits={"nofile": 2**31 - 1})))
    assert "wants nofile 2147483647, with which nobody could log in. Fix: lower limits.nofile" in said
    assert "4096" in installed.bash("cat /etc/security/limits.d/90-gpu-metal.conf")


@pytest.mark.row("H10")
def test_a_setting_of_sysctl_conf_does_not_win_after_a_reboot(installed: LabHost) -> None:
    installed.bash("echo 'net.ipv4.tcp_fin_timeout = 33' >/etc/sysctl.d/99-sysctl.conf")
    installed.apply("base", machine_steps.sysctl(site_host(sysctl={"net.ipv4.tcp_fin_timeout": "41"})))
    installed.bash("/lib/systemd/systemd-sysctl --prefix=net.ipv4.tcp_fin_timeout; rm /etc/sysctl.d/99-sysctl.conf")
    assert installed.bash("cat /proc/sys/net/ipv4/tcp_fin_timeout") == "41\n"


@pytest.mark.row("H11")
def test_unwanted_services_stay_off_also_those_that_come_later(installed: LabHost) -> None:
    units = "/lib/systemd/system"
    installed.bash(
        f"tee {units}/abrtd.service >/etc/systemd/system/abrt-oops.service; systemctl daemon-reload", SERVICE
    )
    installed.bash("systemctl enable -q --now abrtd abrt-oops")
    links = "find /etc/systemd/system -printf '%p %y %m %l\\n' | sort"
    before = installed.bash(links)
    steps = machine_steps.services(site_host(servicesOff=["abrt*", "apport"]))
    assert installed.apply("base", steps) == {"services_off": "changed"}
    state = "systemctl is-enabled abrtd abrt-oops || true; systemctl is-active abrtd abrt-oops || true"
    assert installed.bash(state) == "masked\nmasked\ninactive\ninactive\n"
    installed.bash(f"cat >{units}/apport.service; systemctl daemon-reload; systemctl start apport", SERVICE)
    assert installed.check() == {"services_off": ("drift", "has apport.service, which the site wants off")}
    installed.apply("base", steps)
    fewer = machine_steps.services(site_host(servicesOff=["abrtd"]))
    assert installed.apply("base", fewer) == {"services_off": "changed"}
    assert installed.bash(state) == "masked\nenabled\ninactive\nactive\n"
    assert installed.bash("systemctl is-active apport") == "active\n"
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash(state) == "enabled\nenabled\nactive\nactive\n"
    assert installed.bash(links) == before
    installed.bash("systemctl disable -q --now abrtd abrt-oops apport")
    installed.bash(f"rm -f {units}/abrtd.service {units}/apport.service /etc/systemd/system/abrt-oops.service")


@pytest.mark.row("H9")
def test_tuned_runs_with_the_sites_profile_and_gets_its_former_one_back(installed: LabHost) -> None:
    for profile in ("lab-one", "lab-two"):
        installed.bash(EMPTY_PROFILE.format(profile))
    installed.bash("apt-get -qq update && apt-get -qq install --no-install-recommends tuned >/dev/null 2>&1")
    _, step = machine_steps.tuned(site_host(tuned="lab-two"))
    installed.bash("tuned-adm profile lab-one; systemctl --no-reload disable tuned")
    assert installed.apply("base", [step]) == {"tuned": "changed"}
    assert installed.apply("base", [step]) == {"tuned": "unchanged"}
    assert "lab-two" in installed.bash("tuned-adm active; systemctl is-enabled tuned")
    installed.bash("tuned-adm profile lab-one")
    assert installed.check() == {"tuned": ("drift", "has tuned profile lab-one, wants lab-two")}
    unknown = machine_steps.tuned(site_host(tuned="lab-three"))[1]
    assert "has no tuned profile lab-three, wants it. Fix: correct tuned to one of: " in says(installed, [unknown])
    installed.apply("base", [step])
    assert installed.gpu_metal("undo base").returncode == 0
    assert "lab-one" in installed.bash("tuned-adm active")
    assert installed.bash("systemctl is-enabled tuned || true; systemctl is-active tuned") == "disabled\nactive\n"
