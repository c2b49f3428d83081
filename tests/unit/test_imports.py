"""Imports go down only (design.md): config → model, steps → its config and hostrun, components → lower handles."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

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


def test_nothing_in_components_imports_upwards() -> None:
    assert [f"{path.relative_to(ROOT)}: {line}" for path in FILES for line in upwards(path)] == []


def upwards(path: Path) -> Iterator[str]:
    """What a file imports and may not."""
    room = path.relative_to(ROOT / "components").parts[0]
    for module in sorted(imported(path)):
        top, *rest = module.split(".")
        if top in {"stacks", "ops", "lab", "policy", "tests"}:
            yield f"{module} is above components"
        other = rest[0] if top == "components" and len(rest) > 1 and rest[1] != "config" else room
        if room in ORDER and ORDER.index(other) > ORDER.index(room):
            yield f"{module} is a higher room than {room}"


def test_config_and_steps_know_no_pulumi() -> None:
    pure = {path: imported(path) for path in FILES if path.name in {"config.py", "steps.py"}}
    plugins = {"pulumi", "pulumi_command", "pulumi_kubernetes"}
    assert [(path, m) for path, modules in pure.items() for m in modules if m.split(".")[0] in plugins] == []


def test_only_the_lab_knows_the_lab() -> None:
    for path in [*FILES, *(ROOT / "components").rglob("*.sh")]:
        assert not re.search(r"(?<![\w/.-])lab/\w", path.read_text()), path


def test_init_files_are_empty() -> None:
    for path in ROOT.glob("*/**/__init__.py"):
        if ".venv" not in path.parts:
            assert path.read_text() == "", path
