"""The lab's own site, up: brought up once in a run of the tests, kept, and started from by each story of a cluster.

    def test_something(cluster: Stack) -> None:   # a fixture of conftest.py
        cluster.edit(…); cluster.up().ok()

Hosts that were cut off are booted on copies of their disks, beside a copy of Pulumi's state: seconds and a boot instead
of preparation, kubeadm and joins. No later story sees what a story changes. `cluster` is a module's own; a story that
wants the site anew in the middle of its file asks `dev_site` for another stack.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from lab.hosts import disk, frozen, inventory, lab
from lab.hosts.inventory import LabError
from lab.hosts.inventory import host as lab_host
from tests.lab.cluster import ready_nodes
from tests.lab.stack import HOSTS, ROOT, Stack, until

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]


@dataclass
class DevSite:
    """The kept site; `folder` has its stack file and state."""

    folder: Path

    @property
    def kept(self) -> bool:
        """Whether there is one to start from."""
        return (self.folder / "Pulumi.yaml").exists()

    def begin(self) -> Stack:
        """The site by one `up`, on hosts as they are after installation."""
        each(lambda name: lab.reset(lab_host(name)))
        stack = Stack("dev", self.folder.with_name(f"{self.folder.name}-begun"))
        stack.create(YAML().load(ROOT / "Pulumi.dev.yaml")["config"]["gpu-metal:site"])
        stack.up().ok()
        return stack

    def keep(self, stack: Stack) -> None:
        """Keeps that site as it stands now, in all its parts, in place of one that was kept before.

        Its hosts are off afterwards and have no disks. They are cut off: as the machine goes on, nothing is lost.
        """
        self.forget()
        each(lambda name: lab.freeze(lab_host(name), key(name), own=True, grace=0))
        ignored = shutil.ignore_patterns("tmp", "*.log")
        shutil.copytree(stack.folder, self.folder, ignore=ignored)

    def forget(self) -> None:
        """Removes what is kept; a layer that a disk uses stays until the next time."""
        shutil.rmtree(self.folder, ignore_errors=True)
        frozen.clear([disk.layer_of(one) for one in inventory.HOSTS.values()], of_a_run=True)

    def start(self, folder: Path) -> Stack:
        """The kept site at work, with a state of its own in a new folder; it is kept first where it is not yet."""
        if not self.kept:
            self.keep(self.begin())
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        stack = Stack("dev", folder)
        self.boot(stack)
        return stack

    def boot(self, stack: Stack) -> None:
        """Its hosts start on copies of the disks that were kept; ends when `verify` says that the site is at work."""
        each(lambda name: lab.reset(lab_host(name), key(name)))
        # Each look of `verify` costs the hosts ten seconds of processor, which they need to come up.
        until(_nodes_are_ready, what="the nodes are Ready", pause=1)
        stack.works()


def _nodes_are_ready() -> bool:
    with suppress(LabError):  # no API server answers yet
        return ready_nodes() == set(HOSTS)
    return False


def key(host: str) -> str:
    """The host's frozen layer, of this run alone."""
    return f"{frozen.OF_A_RUN}{RUN}-{host}"


def each(change: Callable[[str], None]) -> None:
    """Does it to each of the site's hosts, at the same time."""
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        list(pool.map(change, HOSTS))
