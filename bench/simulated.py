"""Many hosts in one: what our engine takes by their number, `python -m bench.simulated 10 100`.

Each simulated host has its own address, host key, name, records and lock of the runner; packages, files and services
are those of one host of the lab, which a run of ours prepared before. So a first `up` finds all steps true: what it
takes is the engine, and the runner's checks, counted as the hosts' processor.
"""

import functools
import ipaddress
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.ours import Ours, site
from bench.report import Line
from bench.sshd import FOLDER
from bench.timing import cost
from bench.ways import KEY_FILE
from lab.hosts import cgroups, faults, inventory, lab
from lab.hosts.inventory import Host
from tests.lab.stack import ROOT, Ran, Stack

NETWORK = ipaddress.ip_network("10.61.0.0/16")
"""Addresses of this machine, on its loopback device, while the servers run."""
HOST = "rack-1"


def main() -> None:
    """One line for each number of hosts and question."""
    lab.serve(print)
    for each in measured([int(word) for word in sys.argv[1:]] or [10, 100]):
        print(each.text(), flush=True)  # noqa: T201 - its purpose


def measured(sizes: Sequence[int]) -> Iterator[Line]:
    """For each number of hosts: the first run, nothing to do, drift asked."""
    machine = inventory.host(HOST)
    lab.reset(machine)
    try:
        with tempfile.TemporaryDirectory(prefix="gpu-metal-bench.") as folder:
            Ours([machine], Path(folder)).first()
            faults.run_in(machine, ["rm", "-rf", "/var/lib/gpu-metal"])
        for size in sizes:
            with tempfile.TemporaryDirectory(prefix="gpu-metal-bench.") as folder:
                yield from of_size(machine, size, Path(folder))
            faults.run_in(machine, ["rm", "-rf", FOLDER])
    finally:
        lab.stop(machine, grace=0)


def of_size(machine: Host, size: int, folder: Path) -> Iterator[Line]:
    """Serves so many hosts and asks the three questions."""
    hosts = {f"sim-{number:04}": str(NETWORK[number + 1]) for number in range(size)}
    with serving(machine, hosts, folder / "keys"):
        stack = Stack("bench", folder)
        stack.create(site(hosts, folder / "keys" / "known_hosts", "root"))
        runs: dict[str, Callable[[], Ran]] = {
            "first run": stack.up,
            "nothing to do": lambda: stack.up("--expect-no-changes"),
            "drift asked": lambda: stack.sitectl("drift"),
        }
        for what, run in runs.items():
            yield Line(size, Ours.name, what, cost(functools.partial(done, run), [machine]))


def done(run: Callable[[], Ran]) -> None:
    """Runs it; fails when it fails."""
    run().ok()


@contextmanager
def serving(machine: Host, hosts: dict[str, str], keys: Path) -> Iterator[None]:
    """SSH servers of the hosts, by name and address; their keys go to the folder."""
    make_keys(hosts, keys)
    route = ["local", str(NETWORK), "dev", "lo"]
    words = [sys.executable, "-m", "bench.sshd", str(cgroups.init(machine)), str(keys)]
    subprocess.run(["ip", "route", "add", *route], check=True)
    try:
        with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            ends, answer = server.stdin, server.stdout
            print(*(f"{name}@{address}" for name, address in hosts.items()), file=ends, flush=True)
            if not answer or answer.readline() != "ready\n":
                raise SystemExit("✗ the servers of the simulated hosts did not start")
            yield
    finally:
        subprocess.run(["ip", "route", "del", *route], check=True)


def make_keys(hosts: dict[str, str], keys: Path) -> None:
    """A key for each host, the list of them, and who may log in."""
    keys.mkdir()
    (keys / "authorized").write_text(KEY_FILE.with_suffix(".pub").read_text())
    lines: list[str] = []
    for name, address in hosts.items():
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name)]
        subprocess.run(words, check=True)
        lines.append(f"{address} {(keys / name).with_suffix('.pub').read_text()}")
    (keys / "known_hosts").write_text("".join(lines))


if __name__ == "__main__":
    main()
