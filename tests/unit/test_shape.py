"""Sizes that design.md sets, and a named test for each guarantee about runs (research/reliability.md §3)."""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES_OF_A_FILE, LINES_OF_A_FUNCTION = 300, 40
RUNS = [f"gr{number}" for number in range(1, 15)]
"""gR15 is about releases: there has been none."""


def tracked(*patterns: str) -> list[Path]:
    """Files of the project, as git has them."""
    done = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for line in done.stdout.splitlines() if (path := ROOT / line).is_file()]


PYTHON, BASH = tracked("*.py"), tracked("*.sh")


def functions(path: Path) -> list[tuple[str, int]]:
    """Names and lengths, decorators not counted."""
    if path.suffix == ".py":
        found = [
            n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        return [(node.name, (node.end_lineno or 0) - node.lineno + 1) for node in found]
    bodies = re.findall(r"^(\w+)\(\) \{.*?$(.*?)^\}", path.read_text(), re.MULTILINE | re.DOTALL)
    return [(name, body.count("\n") + 1) for name, body in bodies]


def test_there_is_something_to_measure() -> None:
    assert len(PYTHON) > 50
    assert len(BASH) > 30
    assert sum(len(functions(path)) for path in BASH) > 100


def test_files_and_functions_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (*PYTHON, *BASH)}
    assert [(path, lines) for path, lines in lengths.items() if lines > LINES_OF_A_FILE] == []
    named = [(path, name, lines) for path in lengths for name, lines in functions(path)]
    assert [each for each in named if each[2] > LINES_OF_A_FUNCTION] == []


def test_each_guarantee_about_runs_has_a_named_test() -> None:
    names = [name for path in PYTHON if "tests" in path.parts for name, _ in functions(path)]
    proven = {word for name in names if name.startswith("test_") for word in name.split("_")}
    assert [guarantee for guarantee in RUNS if guarantee not in proven] == []
