"""The machine's steps where the host is of the RHEL family: its package names and paths, with the real dnf and rpm.

Not proven here: RHEL's own useradd, locale, tuned and systemd (underneath is Debian; locale and tuned-adm are stood in
for, as they answer there).
"""

from collections.abc import Iterator
from typing import Any

import pytest

from components.host import machine_steps
from components.host.config import Host
from components.hostrun.step import Step
from tests.scripts.lab_host import HOST, LabHost
from tests.scripts.rhel_host import rhel

pytestmark = [pytest.mark.lab, pytest.mark.long]

LOCALE = "#!/bin/bash\necho C.utf8; if rpm -q glibc-all-langpacks >/dev/null; then echo en_US.utf8; fi\n"
TUNED = """#!/bin/bash
case $1 in
    list) printf 'Available profiles:\\n- %s - summary\\n' balanced throughput-performance ;;
    profile) mkdir -p /etc/tuned; echo "$2" >/etc/tuned/active_profile ;;
    off) : >/etc/tuned/active_profile ;;
esac
"""
SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture(scope="module")
def rocky() -> Iterator[LabHost]:
    with rhel(HOST) as host:
        for name, text in (("locale", LOCALE), ("tuned-adm", TUNED)):
            host.bash(f"cat >/usr/local/sbin/{name}; chmod +x /usr/local/sbin/{name}", text)
        host.bash("tee /lib/systemd/system/tuned.service >/lib/systemd/system/abrt-ccpp.service", SERVICE)
        host.bash(
            "systemctl daemon-reload; systemctl enable -q --now abrt-ccpp; groupadd wheel; rm -f /etc/locale.conf"
        )
        yield host


@pytest.fixture
def installed(rocky: LabHost) -> Iterator[LabHost]:
    rocky.install()
    yield rocky
    rocky.remove()


def site_host(**more: Any) -> Host:
    values = {"name": HOST.name, "address": HOST.address, "hostKey": "ssh-ed25519 AAAA", "os": "rocky-9.4", **more}
    return Host.model_validate(values)


def twice(host: LabHost, steps: list[Step]) -> None:
    assert "changed" in host.apply("base", steps).values()
    assert set(host.apply("base", steps).values()) == {"unchanged"}
    assert host.check() == {}


@pytest.mark.row("H4")
def test_users_of_wheel_are_the_sites(installed: LabHost) -> None:
    installed.bash("useradd -m -G wheel ana")
    accounts = {"sqream": {"sudo": "always", "groups": ["hpc"]}, "ana": {}}
    twice(installed, machine_steps.accounts(site_host(accounts=accounts, accountGroups={"hpc": 3000})))
    assert (
        installed.bash("rpm -q --qf '%{NAME}' sudo; runuser -u sqream -- sudo -n id -un; id -nG ana")
        == "sudoroot\nana\n"
    )
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash("id -nG ana; getent passwd sqream || true; userdel -r ana 2>/dev/null") == "ana wheel\n"


@pytest.mark.row("H5")
def test_a_locale_comes_with_its_package_and_stands_in_locale_conf(installed: LabHost) -> None:
    installed.bash("echo LC_TIME=C >/etc/locale.conf")
    twice(installed, machine_steps.locale(site_host(locale="en_US.UTF-8")))
    assert installed.bash("cat /etc/locale.conf; rpm -q --qf '%{NAME}' glibc-all-langpacks") == (
        "LC_TIME=C\nLANG=en_US.UTF-8\nglibc-all-langpacks"
    )
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash("cat /etc/locale.conf; rpm -q glibc-all-langpacks || true") == (
        "LC_TIME=C\npackage glibc-all-langpacks is not installed\n"
    )


@pytest.mark.row("H9", "H11")
def test_tuned_and_services_are_as_the_sqream_guide_wants_them(installed: LabHost) -> None:
    host = site_host(tuned="throughput-performance", target="multi-user", servicesOff=["abrt*", "abrtd"])
    twice(installed, [*machine_steps.tuned(host), *machine_steps.target(host), *machine_steps.services(host)])
    assert installed.bash("cat /etc/tuned/active_profile; systemctl get-default; systemctl is-enabled tuned") == (
        "throughput-performance\nmulti-user.target\nenabled\n"
    )
    assert installed.bash("systemctl is-enabled abrt-ccpp || true; systemctl is-active abrt-ccpp || true") == (
        "masked\ninactive\n"
    )
    assert installed.gpu_metal("undo base").returncode == 0
    assert installed.bash(
        "systemctl is-active abrt-ccpp; systemctl is-active tuned || true; ls -d /etc/tuned || true"
    ) == ("active\ninactive\n")


@pytest.mark.row("H2")
def test_xfs_tools_have_their_name_there(installed: LabHost) -> None:
    package, _ = machine_steps.disks(site_host(disks=[{"device": "/dev/sdb", "mount": "/data", "filesystem": "xfs"}]))
    twice(installed, [package])
    assert installed.bash("rpm -q --qf '%{NAME}' xfsprogs") == "xfsprogs"
