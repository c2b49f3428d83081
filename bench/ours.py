"""gpu-metal: `pulumi up` without a preview of its own, and `sitectl drift`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.ways import KEY_FILE, KNOWN_HOSTS
from bench.work import KEY, SITE, Work
from lab.hosts.inventory import USER, Host
from tests.lab.stack import Stack


def site(hosts: Mapping[str, str], known_hosts: Path, user: str) -> Mapping[str, Any]:
    """The site that does the work, for hosts by name and address."""
    return {
        **SITE,
        "knownHosts": str(known_hosts),
        "ssh": {"user": user, "keyFile": str(KEY_FILE)},
        "minimum": {"cpus": 1, "memoryGb": 1, "diskGb": 1},
        "hosts": {name: {"address": address} for name, address in hosts.items()},
    }


class Ours:
    """A stack of the hosts."""

    name = "gpu-metal"

    def __init__(self, hosts: Sequence[Host], folder: Path) -> None:
        self.stack = Stack("bench", folder)
        self.stack.create(site({host.name: host.address for host in hosts}, KNOWN_HOSTS, USER))

    def first(self) -> None:
        """`pulumi up`."""
        self.stack.up().ok()

    def again(self) -> None:
        """`pulumi up` that must change nothing."""
        self.stack.up("--expect-no-changes").ok()

    def edit(self, work: Work) -> None:
        """One line of the site, `pulumi up`."""
        self.stack.edit(lambda site: site["sysctl"].update({KEY: work.sysctl[KEY]}))
        self.stack.up().ok()

    def drift(self) -> None:
        """`sitectl drift`."""
        self.stack.sitectl("drift").ok()
