"""An emulated host of the RHEL family: Debian underneath, with the real dnf and rpm on stand-in packages.

Not the vendor's: kernel, systemd, and every program but dnf, rpm, gpg and chronyd. What a step calls beyond these
has to be faked by its test, in /usr/local/sbin of the host.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.hosts import inventory
from tests.scripts.lab_host import LabHost, fresh

FAKES = Path(__file__).with_name("fakes") / "rhel"
LIKE = {"rocky": "rhel centos fedora", "almalinux": "rhel centos fedora", "rhel": "fedora", "centos": "rhel fedora"}
VENDOR = "file:///srv/rhel/vendor"


@contextmanager
def rhel(machine: inventory.Host, os: str = "rocky", version: str = "9.4") -> Iterator[LabHost]:
    """The host with a new disk, as that system; off again afterwards. Steps for Debian fail on it."""
    with fresh(machine) as host:
        host.bash("cat >/root/host.sh", (FAKES / "host.sh").read_text())
        words = f"{os} {version} '{LIKE[os]}'"
        host.bash(
            f"bash /root/host.sh {words} >/root/host.log 2>&1 || {{ tail -5 /root/host.log; exit 1; }}", packages()
        )
        yield host


@contextmanager
def with_yum(host: LabHost) -> Iterator[LabHost]:
    """The same as CentOS 7, with a stand-in of yum 3.4.3 before dnf."""
    host.bash("cat >/usr/local/sbin/yum; chmod 0755 /usr/local/sbin/yum", (FAKES / "yum").read_text())
    host.bash("/usr/local/sbin/yum -y makecache")  # and its records of what is there
    release = "s/^ID=.*/ID=centos/; s/^VERSION_ID=.*/VERSION_ID=7/"
    host.bash(f"cp /etc/os-release /root/; sed -i '{release}' /etc/os-release; mv /usr/bin/dnf /root/")
    yield host
    host.bash("mv /root/dnf /usr/bin/; cp /root/os-release /etc/os-release")
    host.bash("rm -r /usr/local/sbin/yum /etc/yum /var/lib/yum")


def packages() -> str:
    return (FAKES / "packages.txt").read_text()


def vendor_key(host: LabHost) -> str:
    return host.bash("cat /srv/rhel/vendor/key.asc")


def installed(host: LabHost) -> list[str]:
    """Every package and key that rpm has."""
    return sorted(host.bash("rpm -qa --qf '%{NAME}-%{VERSION}-%{RELEASE}\\n'").split())
