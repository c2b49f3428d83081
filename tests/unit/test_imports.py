"""Imports go down only (design.md): config → model, steps → its config and hostrun, components → lower handles."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = ["hostrun", "host", "gpu", "engine", "kubernetes", "network", "tenancy", "platforms"]
"""Rooms from the lowest to the highest; a config is only types, and may be read from any room."""

FILES = sorted(p for p in (ROOT / "components").rglob("*.py") if p.name != "__init__.py")


def imported(path: Path) -> set[str]:
    """The modules that a file imports, dotted."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_in_components_imports_upwards(path: Path) -> None:
    room = path.relative_to(ROOT / "components").parts[0]
    for module in imported(path):
        top, *rest = module.split(".")
        assert top not in {"stacks", "ops", "lab", "policy", "tests", "tools"}, f"{module} is above components"
        if top == "components" and len(rest) > 1 and room in ORDER and rest[1] != "config":
            assert ORDER.index(rest[0]) <= ORDER.index(room), f"{module} is a higher room than {room}"


@pytest.mark.parametrize("path", [p for p in FILES if p.name in {"config.py", "steps.py"}], ids=lambda p: p.parent.name)
def test_config_and_steps_know_no_pulumi(path: Path) -> None:
    assert not {m for m in imported(path) if m.split(".")[0] in {"pulumi", "pulumi_command", "pulumi_kubernetes"}}


def test_only_the_lab_knows_the_lab() -> None:
    for path in [*FILES, *(ROOT / "components").rglob("*.sh")]:
        assert not re.search(r"(?<![\w/.-])lab/\w", path.read_text()), path


def test_tools_need_nothing_but_python() -> None:
    for path in (ROOT / "tools").glob("*.py"):
        assert {m.split(".")[0] for m in imported(path)} <= {*sys.stdlib_module_names, "tools"}, path


def test_init_files_are_empty() -> None:
    for path in ROOT.glob("*/**/__init__.py"):
        if ".venv" not in path.parts:
            assert path.read_text() == "", path
