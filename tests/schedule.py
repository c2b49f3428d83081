"""In which groups and order the tests run: one pytest, several workers, no host used by two of them at once.

A file is a group, unless its pytestmark has `pytest.mark.hosts("cp-1", …)`: files with a host in common are one group,
which one worker runs. Tests of steps need no mark: each worker has a host of its own (tests/scripts/lab_host.py). Files
with `pytest.mark.alone` stop the lab itself: they come first, and no test with `lab` begins before they have ended.
After them the longest group comes first, as the last run measured it; the run cannot end before it does, so all others
leave it the processors when it wants them (`longest`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
ALONE = "alone"


def file_of(nodeid: str) -> str:
    """Its path from the root."""
    return nodeid.partition("::")[0]


class Groups:
    """The group of each file, by what the files say: the same in the process that distributes and in those that run."""

    def __init__(self, files: Iterable[str]) -> None:
        said = {file: marks(ROOT / file) for file in files}
        self._alone = {file for file, text in said.items() if "pytest.mark.alone" in text}
        self._group = {file: file for file in said}
        self._host: dict[str, str] = {}
        for file, text in said.items():
            self._join(file, hosts(text))

    def _join(self, file: str, names: tuple[str, ...]) -> None:
        """A file's hosts belong together from now on, and so do all files of a group that had one of them."""
        joined = {self._host[name] for name in names if name in self._host}
        group = min(joined | {names[0] if names else file})
        for known in (self._host, self._group):
            known.update({key: group for key, former in known.items() if former in joined})
        self._host.update(dict.fromkeys(names, group))
        self._group[file] = group

    def of(self, nodeid: str) -> str:
        """The group of a test."""
        file = file_of(nodeid)
        return ALONE if file in self._alone else self._group[file]

    def place(self, nodeid: str, seconds: Mapping[str, float]) -> tuple[int, float, str]:
        """What tests are sorted by. A group that was never measured counts as long."""
        group = self.of(nodeid)
        return 0 if group == ALONE else 1, -seconds.get(group, 3600), group

    def longest(self, nodeids: Iterable[str], seconds: Mapping[str, float]) -> str:
        """The group of these tests that took longest; empty when none was measured."""
        return max({self.of(nodeid) for nodeid in nodeids} & {*seconds}, key=lambda each: seconds[each], default="")


def marks(file: Path) -> str:
    """The text of a file's `pytestmark`, which the process that distributes reads too: it has no tests collected."""
    found = re.search(r"^pytestmark = (\[.*?\]|[^\n]*)$", file.read_text(), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def hosts(text: str) -> tuple[str, ...]:
    """What `pytest.mark.hosts("cp-1", …)` names, by literals."""
    found = re.search(r"pytest\.mark\.hosts\(([^)]*)\)", text)
    return tuple(re.findall(r'"([^"]+)"', found[1])) if found else ()


class ByGroup(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist says no types
    """Gives each group to one worker. pytest-xdist's own loadgroup needs node ids that pytest 9.2 no longer changes."""

    @cached_property
    def _groups(self) -> Groups:
        return Groups({file_of(nodeid) for ids in self.registered_collections.values() for nodeid in ids})

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.of(nodeid)


def measured(file: Path) -> dict[str, float]:
    """Seconds of each group in the runs before; nothing where there was none."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


def remember(file: Path, seconds: Mapping[str, float]) -> None:
    """For the next run; groups that did not run now keep what they have."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps({**measured(file), **seconds}, indent=1, sort_keys=True))
    new.replace(file)


def summed(durations: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Seconds by name."""
    found: dict[str, float] = {}
    for name, seconds in durations:
        found[name] = found.get(name, 0) + seconds
    return found


def folder_of(nodeid: str, folders: Iterable[str]) -> str:
    """The narrowest of the folders that a test lies in; its own where none is."""
    path = file_of(nodeid)
    above = [folder for folder in folders if path.startswith(f"{folder}/")]
    return max(above, key=len, default=path.rpartition("/")[0])


def table(seconds: Mapping[str, float], allowed: Mapping[str, float]) -> list[str]:
    """A line for each folder: minutes taken, minutes allowed."""
    lines = []
    for folder in sorted({*seconds} | {*allowed}):
        took = seconds.get(folder, 0) / 60
        if folder not in allowed:
            lines.append(f"{folder:<24} {took:5.1f} min, none allowed: add it to [tool.gpu-metal.budget]")
        else:
            over = f"  {took - allowed[folder]:.1f} over" if took > allowed[folder] else ""
            lines.append(f"{folder:<24} {took:5.1f} of {allowed[folder]:4.1f} min{over}")
    return lines
