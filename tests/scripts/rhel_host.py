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


def packages() -> str:
    return (FAKES / "packages.txt").read_text()


def vendor_key(host: LabHost) -> str:
    return host.bash("cat /srv/rhel/vendor/key.asc")


def installed(host: LabHost) -> list[str]:
    """Every package and key that rpm has."""
    return sorted(host.bash("rpm -qa --qf '%{NAME}-%{VERSION}-%{RELEASE}\\n'").split())
