"""How the tests run beside each other (schedule.py), and what they cost, printed at the end of a run."""

import gc
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab import paths
from tests import limit, schedule

# What is imported and collected is needed to the end. To look through it for garbage, again and again, would be a
# quarter of the processor time of the tests that need no host.
gc.set_threshold(100_000)

ROOT = Path(__file__).parents[1]
MINUTES = paths.LAB / "tests.json"
LONG_RUNS = ROOT / "docs" / "long-runs.md"
PATIENCE = 600
"""Seconds that a test waits for those of the lab itself."""
BEGUN = time.monotonic()
NICENESS, BEHIND = os.nice(0), 5
"""Of this process as it was started, and how much higher it is while it runs another group than the longest."""
FIRST = pytest.StashKey[set[Path]]()
"""The files of the longest group; all of them, when nothing was measured."""


@pytest.hookimpl(optionalhook=True)  # there is none without pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> schedule.ByGroup:
    """Groups are given out in the order of the tests, which the hook below sets."""
    config.option.loadscopereorder = False
    return schedule.ByGroup(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The lab's own tests first, then the longest. Every worker comes to the same."""
    groups = schedule.Groups({schedule.file_of(item.nodeid) for item in items})
    seconds = schedule.measured(MINUTES)
    items.sort(key=lambda item: groups.place(item.nodeid, seconds))
    longest = groups.longest((item.nodeid for item in items), seconds)
    config.stash[FIRST] = {item.path for item in items if longest in ("", groups.of(item.nodeid))}


def pytest_collection_finish() -> None:
    """What is there now is no garbage, then or ever."""
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with limit.at_most(limit.of(item), "what this test starts from"):
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with limit.at_most(limit.of(item), "this test"):
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with limit.at_most(limit.of(item), "what follows this test"):
        yield
    # The provider of REST objects sets it for its process, which outlives a test; Pulumi's SDK fails without a stack.
    vars(sys).pop("tracebacklimit", None)


@pytest.fixture(scope="module", autouse=True)
def _priority(request: pytest.FixtureRequest) -> None:
    """The longest group is the first at the processors, with all that it starts: hosts too (lab/hosts/host.sh).

    Only where there are workers, and for root, who may take a lower niceness again.
    """
    if "PYTEST_XDIST_WORKER" in os.environ and os.geteuid() == 0:
        behind = 0 if request.path in request.config.stash[FIRST] else BEHIND
        os.setpriority(os.PRIO_PROCESS, 0, min(NICENESS + behind, 19))


@pytest.fixture(scope="module", autouse=True)
def _turn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests that need the lab begin when those that stop it have ended."""
    items = [item for item in request.session.items if item.get_closest_marker("alone")]
    module = request.node
    mine = [item for item in request.session.items if item.getparent(pytest.Module) is module]
    if not items or not any(item.get_closest_marker("lab") for item in mine):
        yield
        return
    shared = tmp_path_factory.getbasetemp()
    ended = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "alone-ended"
    if any(item in items for item in mine):
        yield
        if items[-1] in mine:
            ended.touch()
        return
    ends = time.monotonic() + PATIENCE
    while not ended.exists():
        assert time.monotonic() < ends, f"the tests of the lab itself did not end within {PATIENCE} s"
        time.sleep(0.1)
    yield


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What the run took, against what it is allowed (pyproject.toml); no test fails by it."""
    reports = [r for each in terminalreporter.stats.values() for r in each if isinstance(r, pytest.TestReport)]
    _record_long([r for r in reports if "long" in r.keywords and (r.when == "call" or r.failed)])
    workers = getattr(config.option, "numprocesses", None)
    if not workers:
        return
    budget: dict[str, float] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["gpu-metal"]["budget"]
    whole = budget.pop("whole")
    folders = schedule.summed((schedule.folder_of(r.nodeid, budget), r.duration) for r in reports)
    terminalreporter.section("minutes of each folder, all workers together")
    for line in schedule.table(folders, {name: budget[name] for name in budget if name in folders}):
        terminalreporter.write_line(line)
    took = (time.monotonic() - BEGUN) / 60
    terminalreporter.write_line(f"{f'whole run, {workers} workers':<24} {took:5.1f} of {whole:4.1f} min")
    group = schedule.Groups({schedule.file_of(r.nodeid) for r in reports})
    groups = schedule.summed((group.of(r.nodeid), r.duration) for r in reports)
    longest = sorted(groups.items(), key=lambda each: -each[1])[:12]
    terminalreporter.write_line("longest: " + ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in longest))
    schedule.remember(MINUTES, groups)


def _record_long(reports: list[pytest.TestReport]) -> None:
    """The page of what `make test` leaves out: the rows of those that ran, beside what the others had last."""
    if not reports:
        return
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    head, line, table = LONG_RUNS.read_text().partition("| --- | --- | --- | --- | --- |\n")
    rows = {name: row for row in table.splitlines() if _is_there(name := row.split(" | ")[0].removeprefix("| "))}
    end = f"{datetime.now(UTC):%Y-%m-%d} | {commit} |"
    rows |= {r.nodeid: f"| {r.nodeid} | {r.outcome} | {r.duration / 60:.1f} | {end}" for r in reports}
    LONG_RUNS.write_text(head + line + "".join(f"{rows[name]}\n" for name in sorted(rows)))


def _is_there(nodeid: str) -> bool:
    """Whether the files still have this test."""
    file, _, name = nodeid.partition("::")
    return (ROOT / file).exists() and f"def {name.partition('[')[0]}(" in (ROOT / file).read_text()
