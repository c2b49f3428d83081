"""The answer on stdout: a table for people, JSON and YAML for programs, names for xargs."""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from rich.console import Console
from rich.table import Table
from rich.text import Text
from ruamel.yaml import YAML

from components.hostrun.report import Check, Report
from ops.flags import Flags, Output

SIGNS = {
    "ok": ("✓", "green"),
    "note": ("!", "yellow"),
    "failed": ("✗", "red"),
    "unknown": ("?", "yellow"),
    "skipped": ("-", "dim"),
}


def console(flags: Flags) -> Console:
    """A console for stdout; into a pipe, it is as wide as the longest line, so that nothing is cut."""
    width = None if sys.stdout.isatty() else 1000
    return Console(no_color=True if flags.no_color else None, highlight=False, width=width, soft_wrap=True)


def table(flags: Flags, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns under upper-case heads, as kubectl's."""
    grid = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(Text(cell, overflow="fold") for cell in row))
    out = console(flags)
    with out.capture() as captured:
        out.print(grid)
    # Rich fills the last column with blanks
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def data(flags: Flags, value: Any) -> None:  # noqa: ANN401 (whatever JSON has)
    """Prints JSON or YAML."""
    if flags.form is Output.YAML:
        YAML(typ="safe", pure=True).dump(json.loads(json.dumps(value)), sys.stdout)
    else:
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def report(flags: Flags, answer: Report, heads: Sequence[str], rows: Sequence[Sequence[str]], end: str = "") -> None:
    """Prints a report in the chosen format; as a table: rows by host, the findings, one last line."""
    if flags.form is Output.NAME:
        sys.stdout.writelines(f"{check.host}/{check.id}\n" for check in answer.untrue)
    elif flags.form is not Output.TABLE:
        data(flags, answer.as_json(flags.stack, now()))
    else:
        if rows:
            table(flags, heads, rows)
        verdict(flags, answer, end, len(rows) or len(answer.hosts))


def now() -> str:
    """The time in UTC, as in every JSON answer."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def verdict(flags: Flags, answer: Report, end: str, hosts: int) -> None:
    """The findings, each cause once, and the last line; `hosts` counts those that were asked for."""
    out = console(flags)
    for names, check in grouped([check for check in answer.checks if check.status == "note"] + answer.untrue):
        sign, style = SIGNS[check.status]
        out.print(Text(f"{sign} ", style=style) + Text(str(_as(check, names))))
    counted = [check for check in answer.checks if check.status != "skipped"]
    count = f"{plural(hosts, 'host')}, {plural(len(counted), 'check')}"
    failed = sum(check.status == "failed" for check in answer.checks)
    unknown = len({check.host for check in answer.untrue if check.status == "unknown"})
    if answer.ok:
        out.print(Text("✓ ok: ", style="green") + Text(f"{count}.{end}"))
    else:
        parts = [f"{failed} failed"] if failed or not unknown else []
        parts += [f"{plural(unknown, 'host')} could not be asked"] if unknown else []
        out.print(Text(f"{', '.join([count, *parts])}.{end}"))


def grouped(checks: Sequence[Check]) -> list[tuple[str, Check]]:
    """Joins checks that differ by host only: one line for each cause, with its hosts as a range."""
    hosts: dict[tuple[str, ...], list[Check]] = defaultdict(list)
    for check in checks:
        hosts[check.id, check.status, check.saw, check.want, check.fix].append(check)
    return [(fold([check.host for check in same]), same[0]) for same in hosts.values()]


def by_host(answer: Report, host: str) -> str:
    """The last column: ok, or the number of failed checks."""
    own = [check for check in answer.checks if check.host == host]
    failed = sum(check.status == "failed" for check in own)
    if any(check.status == "unknown" for check in own):
        return "unknown"
    if own and all(check.status == "skipped" for check in own):
        return "skipped"
    return f"{failed} failed" if failed else "ok"


def preflight_row(answer: Report, host: str) -> list[str]:
    """HOST, the machine, CLOCK, RESULT."""
    facts = answer.facts.get(host, {})
    clock = f"{facts['clock_offset']:+.1f} s" if facts else "-"
    return [host, *machine(facts), clock, by_host(answer, host)]


def size(count: float | None) -> str:
    """Bytes in readable units."""
    return "-" if not count else f"{count / 2**30:.0f} GiB"


def plural(count: int, noun: str) -> str:
    """`1 host`, `2 hosts`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def machine(facts: Mapping[str, Any]) -> list[str]:
    """OS, CPUS, MEMORY, GPU of a host's facts."""
    if not facts:
        return ["-"] * 4
    system, gpus = facts["os"], facts["gpus"]
    return [
        f"{system['id']} {system['version'] or ''}".strip(),
        str(facts["cpus"]),
        size(facts["memory_bytes"]),
        f"{gpus['count']} × {model(gpus['names'][0])}" if gpus["count"] else "-",
    ]


def model(name: str) -> str:
    """`… [RTX A6000] (rev a1)` → `RTX A6000`."""
    return name.rpartition("[")[2].partition("]")[0] if "[" in name else name


def fold(hosts: Sequence[str]) -> str:
    """Names as one range."""
    return str(NodeSet.fromlist(hosts, resolver=RESOLVER_NOGROUP)) if len(hosts) > 1 else hosts[0]


def _as(check: Check, hosts: str) -> Check:
    return Check(check.id, hosts, check.status, check.saw, check.want, check.fix)
