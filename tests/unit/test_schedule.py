"""How the tests are distributed and what a run says at its end, by a run of pytest in a small tree of its own."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import schedule
from tests.conftest import BEHIND

ROOT = Path(__file__).parents[2]
TEST = """\
import os, time
from pathlib import Path
import pytest
pytestmark = [{marks}]

@pytest.mark.parametrize("number", range(3))
def test_one(number):
    log = os.open(Path(__file__).parents[2] / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"begin {{Path(__file__).stem}} {{os.getpid()}}\\n".encode())
    time.sleep(0.05)
    os.write(log, f"end {{Path(__file__).stem}} {{os.getpid()}} {{os.nice(0)}}\\n".encode())
"""
LAB, ALONE = "pytest.mark.lab", "pytest.mark.lab, pytest.mark.alone"
FILES = {
    "unit/test_plain.py": "",
    "lab/test_alone.py": ALONE,
    "lab/test_left.py": f'{LAB}, pytest.mark.hosts("a", "b")',
    "lab/test_right.py": f'{LAB}, pytest.mark.hosts("c", "b")',
    "lab/test_other.py": f'{LAB}, pytest.mark.hosts("d")',
    "scripts/test_steps.py": LAB,
    "scripts/test_slow.py": "pytest.mark.long",
}


LONG_RUNS = """# Long runs

| test | result | minutes | date | commit |
| --- | --- | --- | --- | --- |
| tests/scripts/test_slow.py::test_one[0] | failed | 9.0 | 2026-01-01 | abc |
| tests/unit/test_plain.py::test_gone | passed | 1.0 | 2026-01-01 | abc |
| tests/unit/test_plain.py::test_one[0] | passed | 1.0 | 2026-01-01 | abc |
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of those files, with our conftest."""
    root = tmp_path_factory.mktemp("tree")
    ours = ("tests/conftest.py", "tests/limit.py", "tests/schedule.py")
    theirs = ("lab/__init__.py", "lab/paths.py", "tools/__init__.py", "tools/paths.py", "pyproject.toml")
    for path in (*ours, *theirs):
        (root / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    for path, marks in FILES.items():
        (root / "tests" / path).parent.mkdir(exist_ok=True)
        (root / "tests" / path).write_text(TEST.format(marks=marks))
    (root / "docs").mkdir()
    (root / "docs" / "long-runs.md").write_text(LONG_RUNS)
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def run(tree: Path, *words: str) -> tuple[list[str], list[list[str]]]:
    """What pytest prints, and what the tests did in turn: begin or end, file, process."""
    (tree / "log").unlink(missing_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=tree,
        env={**env, "GPU_METAL_LAB": str(tree / "lab-folder")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines(), [line.split() for line in (tree / "log").read_text().splitlines()]


def test_files_that_share_a_host_run_in_one_process_and_the_labs_own_before_all_that_need_it(tree: Path) -> None:
    printed, did = run(tree, "-n", "3")
    workers = {file: {pid for _, name, pid, *_ in did if name == file} for _, file, *_ in did}
    assert {file: len(pids) for file, pids in workers.items()} == dict.fromkeys(workers, 1)
    assert workers["test_left"] == workers["test_right"]
    lab = [index for index, (what, file, *_) in enumerate(did) if what == "begin" and file not in FREE]
    ended = max(index for index, (what, file, *_) in enumerate(did) if file == "test_alone" and what == "end")
    assert min(lab) > ended
    assert "test_slow" not in workers
    assert printed[-1].startswith("18 passed")
    allowed = [line.split() for line in printed if line.startswith("tests/")]
    assert [line[:3] for line in allowed] == [[f"tests/{name}", "0.0", "of"] for name in ("lab", "scripts", "unit")]
    assert any(line.startswith("whole run, 3 workers") for line in printed)


FREE = ("test_alone", "test_plain")


def test_the_longest_of_the_run_before_comes_first(tree: Path) -> None:
    minutes = tree / "lab-folder" / "tests.json"
    schedule.remember(minutes, {"d": 90, "a": 10, "tests/scripts/test_steps.py": 30, "tests/unit/test_plain.py": 1})
    _, did = run(tree, "-p", "no:xdist")
    order = list(dict.fromkeys(file for _, file, *_ in did))
    assert order == ["test_alone", "test_other", "test_steps", "test_left", "test_right", "test_plain"]


def test_long_ones_run_when_asked_and_leave_their_page(tree: Path) -> None:
    run(tree, "-n", "2", "-m", "long")
    page = (tree / "docs" / "long-runs.md").read_text()
    assert page.startswith(LONG_RUNS[: LONG_RUNS.index("| tests/")])
    assert "test_gone" not in page
    assert "| tests/unit/test_plain.py::test_one[0] | passed | 1.0 | 2026-01-01 | abc |\n" in page, "it did not run now"
    assert page.count("| passed |") == 4
    assert "| tests/scripts/test_slow.py::test_one[0] | passed | 0.0 | 20" in page


def test_groups_are_joined_by_any_host_in_common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "ROOT", tmp_path)
    for name, hosts in {"one": '"a"', "two": '"b", "c"', "three": '"d"', "four": '\n    "a",\n    "c",\n'}.items():
        (tmp_path / name).write_text(f"pytestmark = [pytest.mark.lab, pytest.mark.hosts({hosts})]\n")
    (tmp_path / "none").write_text("pytestmark = pytest.mark.lab\n\n\nTEXT = 'pytest.mark.alone'\n")
    groups = schedule.Groups(["one", "two", "three", "four", "none"])
    of = {name: groups.of(f"{name}::test") for name in ("one", "two", "three", "four", "none")}
    assert of == {"one": "a", "two": "a", "three": "d", "four": "a", "none": "none"}


def test_only_the_longest_group_has_the_niceness_of_the_run(tree: Path) -> None:
    minutes = tree / "lab-folder" / "tests.json"
    schedule.remember(minutes, {"d": 90, "a": 10, "tests/scripts/test_steps.py": 30})
    _, did = run(tree, "-n", "2")
    nice = {line[1]: int(line[3]) for line in did if line[0] == "end"}
    ours = os.nice(0)
    behind = min(ours + BEHIND, 19) if os.geteuid() == 0 else ours
    assert nice == {**dict.fromkeys(nice, behind), "test_other": ours}


def test_a_folder_is_the_narrowest_that_has_minutes_of_its_own() -> None:
    folders = ["tests/parts", "tests/parts/sqream", "tests/unit"]
    assert schedule.folder_of("tests/parts/sqream/lab/test_x.py::t", folders) == "tests/parts/sqream"
    assert schedule.folder_of("tests/parts/shifter/lab/test_x.py::t", folders) == "tests/parts"
    assert schedule.folder_of("tests/lab/test_x.py::t", folders) == "tests/lab"
    lines = schedule.table({"tests/unit": 90, "tests/lab": 6}, {"tests/unit": 1})
    assert lines[0].endswith("none allowed: add it to [tool.gpu-metal.budget]")
    assert lines[1].split() == ["tests/unit", "1.5", "of", "1.0", "min", "0.5", "over"]


def test_every_folder_of_tests_has_its_minutes() -> None:
    budget = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["gpu-metal"]["budget"]
    found = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")]
    files = [file for file in found if not file.startswith("tests/example/")]  # they run in a copy
    assert {schedule.folder_of(file, budget) for file in files} <= set(budget) - {"whole"}
