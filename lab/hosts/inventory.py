"""The lab's hosts and network, in one list. To add a host, add a line."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network

BRIDGE = "gm-lab0"
NETWORK = IPv4Network("10.213.77.0/24")
GATEWAY = "10.213.77.1"
USER = "deploy"
WEB_PORT = 8080
"""The depot's port at the gateway, for packages, charts and sources."""


class LabError(Exception):
    """Something the lab cannot do; the text is one line for a person: `host [check-id] what. Fix: …`."""


@dataclass(frozen=True)
class Host:
    """One emulated bare-metal host."""

    name: str
    address: str
    gpus: int = 0
    starts_with_lab: bool = True
    release: str = field(default="bookworm", repr=False)
    """Debian's release. It is not in the host's repr, since a disk's identity has the base system."""

    @property
    def link(self) -> str:
        """The machine's end of the host's cable, as systemd-nspawn names it."""
        return f"vb-{self.name}"


HOSTS = {
    host.name: host
    for host in (
        Host("cp-1", "10.213.77.11"),
        Host("cpu-1", "10.213.77.21"),
        Host("gpu-1", "10.213.77.31", gpus=8),
        Host("spare-1", "10.213.77.41", starts_with_lab=False),  # for tests that add or replace a worker
        *(  # for tests of single steps, as many as run beside each other
            Host(f"steps-{number}", f"10.213.77.{50 + number}", starts_with_lab=False) for number in (1, 2, 3, 4)
        ),
        Host("rack-1", "10.213.77.81", starts_with_lab=False),  # for a second whole site, beside the first
        Host("rack-2", "10.213.77.82", starts_with_lab=False),
        Host("rack-3", "10.213.77.83", gpus=8, starts_with_lab=False),
        Host("rack-4", "10.213.77.84", starts_with_lab=False),
        Host("rack-5", "10.213.77.85", starts_with_lab=False),
        Host("db-1", "10.213.77.71", gpus=8, starts_with_lab=False),  # for tests of SQream, beside whole sites
        Host("db-2", "10.213.77.72", gpus=8, starts_with_lab=False),
        *(  # for README's commands, beside whole sites
            Host(f"new-{number}", f"10.213.77.{90 + number}", gpus=gpus, starts_with_lab=False)
            for number, gpus in ((1, 0), (2, 2), (3, 1))
        ),
        Host("deb13-1", "10.213.77.61", starts_with_lab=False, release="trixie"),
    )
}


def host(name: str) -> Host:
    """The host of that name; LabError names the known ones."""
    if name not in HOSTS:
        raise LabError(f"{name} [name] the lab has no such host. Fix: one of {', '.join(HOSTS)}.")
    return HOSTS[name]
