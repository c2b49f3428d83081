"""What the runs took: lines, docs/performance.md with ratios, the same figures as JSON, and a picture of the growth."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.bash import Bash
from bench.timing import Cost

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
TEXT = """\
# Performance beside the peers

`make bench` writes this page. All ways prepare the same emulated hosts, new for each of them, in one run: the packages,
files and settings of our base and engine layers. *Plain bash* is the floor: one script a host, over one SSH connection
each, all at once, without checks, state or undo; "nothing to do" and "drift asked" are then one script that compares
the files' sums, packages, setting and service. Seconds of the clock; in brackets the ratio to plain bash. Below each
time: seconds of processor on the operator's machine, and on all hosts together.

{head}

![seconds by the number of hosts](performance.svg)
{tables}
"Drift asked" is `sitectl drift`, the script's sums, `pyinfra --dry` and `ansible-playbook --check`. Where the hosts'
processors did next to nothing for an answer, little was asked.

{many}
Not measured here: kubeadm by hand beside our cluster layer.
"""
MANY = """
## Many hosts, simulated

Each has its own address, host key, records and lock; what its steps find is one prepared host of the lab. So nothing is
installed: a run takes our engine, and the real runner's checks. Seconds of the clock; below, milliseconds of processor
a host: on the operator's machine, and on the hosts. SSH servers of all of them share the operator's processors.

"""


@dataclass(frozen=True)
class Line:
    """One figure."""

    hosts: int
    way: str
    what: str
    cost: Cost

    def text(self) -> str:
        """For the terminal."""
        each = self.cost
        return (
            f"{self.hosts:3} hosts  {self.way:<10}  {self.what:<13} {each.wall:7.2f} s"
            f"  processor {each.operator:6.2f} s here, {each.hosts:6.2f} s on hosts"
        )


def write(lines: Sequence[Line], many: Sequence[Line], programs: Path) -> None:
    """The page, the figures, the picture."""
    head = f"{time.strftime('%Y-%m-%d')}, commit {_commit()}, {os.cpu_count()} processors ({platform.machine()})."
    figures = PAGE.with_suffix(".json")
    both = {"lines": [asdict(line) for line in lines], "simulated": [asdict(line) for line in many]}
    figures.write_text(json.dumps({"about": head, **both}, indent=1) + "\n")
    tables = "".join(table(lines, what) for what in _all(lines, "what"))
    PAGE.write_text(TEXT.format(head=head, tables=tables, many=MANY + _many(many)))
    picture = Path(__file__).with_name("picture.py")
    subprocess.run([str(programs / "python"), str(picture), str(figures), str(PAGE.with_suffix(".svg"))], check=True)


def table(lines: Sequence[Line], what: str) -> str:
    """One question: a row for each way, a column for each number of hosts."""
    sizes, ways = _all(lines, "hosts"), _all(lines, "way")
    cost = {(line.hosts, line.way): line.cost for line in lines if line.what == what}
    rows = [
        f"\n## {what.capitalize()}\n",
        "| | " + " | ".join(f"{size} host{'s' * (size > 1)}" for size in sizes) + " |",
    ]
    rows.append("| --- |" + " --- |" * len(sizes))
    for way in ways:
        cells = (_cell(cost[size, way], cost[size, Bash.name]) for size in sizes)
        rows.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _many(lines: Sequence[Line]) -> str:
    """A row for each question, a column for each number of hosts."""
    sizes = _all(lines, "hosts")
    cost = {(line.hosts, line.what): line.cost for line in lines}
    rows = ["| | " + " | ".join(f"{size} hosts" for size in sizes) + " |", "| --- |" + " --- |" * len(sizes)]
    for what in _all(lines, "what"):
        cells = (_a_host(cost[size, what], size) for size in sizes)
        rows.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _a_host(each: Cost, size: int) -> str:
    return f"{each.wall:.1f} s<br>{1000 * each.operator / size:.0f} · {1000 * each.hosts / size:.0f}"


def _cell(each: Cost, floor: Cost) -> str:
    return f"{each.wall:.2f} s ({each.wall / floor.wall:.1f})<br>{each.operator:.2f} · {each.hosts:.2f}"


def _all(lines: Sequence[Line], field: str) -> list:  # type: ignore[type-arg]
    return list(dict.fromkeys(getattr(line, field) for line in lines))


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
