"""Imports go down only (design.md): config → model, steps → its config and hostrun, components → lower handles."""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from components.hostrun.step import libraries

ROOT = Path(__file__).parents[2]
ORDER = ["hostrun", "rest", "host", "gpu", "engine", "delivery"]
ORDER += ["kubernetes", "network", "tenancy", "parts", "platforms"]
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
        if top in {"stacks", "ops", "lab", "policy", "tests", "tools"}:
            yield f"{module} is above components"
        other = rest[0] if top == "components" and len(rest) > 1 and rest[1] != "config" else room
        if room in ORDER and ORDER.index(other) > ORDER.index(room):
            yield f"{module} is a higher room than {room}"


def test_config_and_steps_know_no_pulumi() -> None:
    pure = {path: imported(path) for path in FILES if path.name in {"config.py", "steps.py"}}
    plugins = {"pulumi", "pulumi_command", "pulumi_kubernetes"}
    assert [(path, m) for path, modules in pure.items() for m in modules if m.split(".")[0] in plugins] == []


STEPS = sorted((ROOT / "components").rglob("steps/*.sh"))
LIBRARIES = {
    "/".join(p.relative_to(ROOT / "components").parts[:-1]): p
    for p in (ROOT / "components").rglob("lib.sh")
    if p.parent.name != "hostrun"
}
"""By their rooms, such as `engine` and `platforms/sqream`."""


def defined(path: Path) -> set[str]:
    """Names of the functions of a bash file."""
    return set(re.findall(r"^(\w+)\(\)", path.read_text(), re.MULTILINE))


def called(path: Path, names: set[str]) -> set[str]:
    """Those `names` that a bash file has outside its comments."""
    code = re.sub(r"^\s*#.*", "", path.read_text(), flags=re.MULTILINE)
    return names & set(re.findall(r"(?<![\w$-])\w+", code))


def used(path: Path) -> dict[str, Path]:
    """The libraries whose functions a bash file calls, by room."""
    others = {room: own for room, own in LIBRARIES.items() if own != path}
    return {room: own for room, own in others.items() if called(path, defined(own) - defined(path))}


def test_bash_says_which_rooms_it_uses() -> None:
    for path in [*STEPS, *LIBRARIES.values()]:
        said = " ".join(re.findall(r"^# uses: (.+)$", path.read_text(), re.MULTILINE)).split()
        assert sorted(said) == sorted(own.parent.name for own in used(path).values()), path


def test_bash_uses_no_higher_room_and_no_other_part() -> None:
    for path in [*STEPS, *LIBRARIES.values()]:
        place = path.relative_to(ROOT / "components").parts
        for room in used(path):
            assert ORDER.index(room.split("/")[0]) <= ORDER.index(place[0]), f"{path}: {room} is a higher room"
            own = "/".join(place[:2]) if place[0] in ("parts", "platforms") else place[0]
            assert "/" not in room or f"{room}/".startswith(f"{own}/"), f"{path}: {room} is another part"


def test_a_helper_has_one_meaning() -> None:
    """Where two rooms' libraries go in front of one step, the later function of a name would win."""
    names = [name for path in LIBRARIES.values() for name in defined(path)]
    names += {name for path in (ROOT / "components" / "hostrun").rglob("*.sh") for name in defined(path)}
    assert sorted({name for name in names if names.count(name) > 1}) == []
    for step in STEPS:
        shared = {name for own in libraries(step) for name in defined(own)}
        assert not defined(step) & shared, step


def test_only_stacks_knows_the_registry() -> None:
    """Else a part would know the others, and adding one would be a change of theirs."""
    assert [p for p in FILES if "components.registry" in imported(p)] == []


@pytest.mark.parametrize("top", ["components", "stacks", "ops", "policy"])
def test_no_module_imports_itself_by_way_of_others(top: str) -> None:
    """Whatever the place of the import: under TYPE_CHECKING it would hide a circle, not break it."""
    edges = {
        ".".join(p.relative_to(ROOT).with_suffix("").parts): _modules(p) for p in sorted((ROOT / top).rglob("*.py"))
    }
    try:
        TopologicalSorter({name: found & edges.keys() for name, found in edges.items()}).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def _modules(path: Path) -> set[str]:
    """What a file imports, also as `from package import module`."""
    found = imported(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


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
