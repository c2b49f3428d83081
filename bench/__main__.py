"""Our speed beside our peers', on the same hosts in one run: `python -m bench [SIZE…]`, sizes 1 3 10 without any.

For each number of hosts and each way, on new hosts: the first run; then, by turns and several times, nothing to do and
drift asked; then one setting changed. The work is the base and engine layers of ours, learned from what they brought.
Writes docs/performance.md, .json and .svg; each figure there is also a ratio to plain bash.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import environment, report, simulated
from bench.ansible import Ansible
from bench.bash import Bash
from bench.ours import Ours
from bench.pyinfra import Pyinfra
from bench.timing import Cost, cost, middle
from bench.ways import Way
from bench.work import NEXT, Work, learned
from lab.hosts import faults, inventory, lab
from lab.hosts.inside import Snapshot
from lab.hosts.inventory import Host

ROUNDS = 3
"""How often what changes nothing is run; the run of the median time counts."""
NAMES = ("rack-1", "rack-2", "rack-4", "spare-1", "new-1", "new-2", "new-3", "db-1", "db-2", "rack-3")
"""Hosts of the lab that start without it."""
MANY = (10, 100)
"""How many hosts are simulated."""
Make = Callable[[Sequence[Host], Path], Way]


def main() -> None:
    """Measures, prints a table, writes the page."""
    sizes = [int(word) for word in sys.argv[1:]] or [1, 3, 10]
    programs = environment.programs()
    lab.serve(print)
    found: list[report.Line] = []
    for size in sizes:
        hosts = [inventory.host(name) for name in NAMES[:size]]
        with tempfile.TemporaryDirectory(prefix="gpu-metal-bench.") as folder:
            for line in of_size(hosts, Path(folder), programs):
                print(line.text(), flush=True)  # noqa: T201 - its purpose
                found.append(line)
        for host in hosts:
            lab.stop(host, grace=0)
    many = list(simulated.measured(MANY))
    report.write(found, many, programs)


def of_size(hosts: Sequence[Host], folder: Path, programs: Path) -> Iterator[report.Line]:
    """All ways on these hosts, ours first: the others do what it did."""
    before = fresh(hosts)
    ours = Ours(hosts, made(folder / "ours"))
    first = cost(ours.first, hosts)
    work = learned(hosts[0].name, before, faults.snapshot(hosts[0]))
    yield from lines(ours, hosts, first, work)
    others: dict[str, Make] = {
        "bash": lambda hosts, folder: Bash(hosts, folder, work),
        "pyinfra": lambda hosts, folder: Pyinfra(hosts, folder, work, programs),
        "ansible": lambda hosts, folder: Ansible(hosts, folder, work, programs),
    }
    for name, make in others.items():
        fresh(hosts)
        way = make(hosts, made(folder / name))
        first = cost(way.first, hosts)
        for host in hosts:
            must_be_done(host, work, way.name)
        yield from lines(way, hosts, first, work)


def lines(way: Way, hosts: Sequence[Host], first: Cost, work: Work) -> Iterator[report.Line]:
    """What the way took, on hosts that it has prepared."""
    again, drift = [], []
    for _ in range(ROUNDS):
        again.append(cost(way.again, hosts))
        drift.append(cost(way.drift, hosts))
    edit = cost(lambda: way.edit(work.with_setting(NEXT)), hosts)
    costs = {"first run": first, "nothing to do": middle(again), "drift asked": middle(drift), "one setting": edit}
    for what, each in costs.items():
        yield report.Line(len(hosts), way.name, what, each)


def must_be_done(host: Host, work: Work, name: str) -> None:
    """A way that did less than ours cannot be compared."""
    after = faults.snapshot(host)
    packages = {each.partition(":")[0] for each in after["packages"]}
    missing = [*(set(work.packages) - packages), *(path for path in work.files if path not in after["files"])]
    if missing:
        raise SystemExit(f"✗ {name} did not bring {', '.join(sorted(missing))} to {host.name}: it cannot be compared")


def fresh(hosts: Sequence[Host]) -> Snapshot:
    """The hosts as they are after installation; what the first one has then."""
    for host in hosts:
        lab.reset(host)
    return faults.snapshot(hosts[0])


def made(folder: Path) -> Path:
    """The folder, which is new."""
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
