"""docs/rows.md cannot lie: each row of groups H, G, C and of parts is done and proven; every mark names a row.

Does not prove: that a marked test proves its row; that is for its reader.
"""

import re
from functools import cache
from pathlib import Path

import pytest

from ops import reference, rows
from ops.rows import Places

ROOT = reference.ROOT
STEPS = sorted((ROOT / "components").glob("**/steps/*.sh"))


@cache
def found() -> dict[str, Places]:
    return rows.places(ROOT, reference.keys())


def test_every_row_has_its_place_and_its_test() -> None:
    assert rows.untrue(ROOT, found()) == []


def test_a_step_says_which_rows_it_serves_on_its_second_line() -> None:
    second = {step: step.read_text().splitlines()[1] for step in STEPS}
    form = re.compile(r"# rows: [A-Z]\d+( [A-Z]\d+)*")
    assert {step: line for step, line in second.items() if not form.fullmatch(line)} == {}


def test_a_module_says_which_rows_it_serves_in_the_form_that_is_read() -> None:
    modules = [file for top in ("components", "stacks", "ops", "policy") for file in (ROOT / top).rglob("*.py")]
    lines = {file: re.findall(r"^Rows:.*$", file.read_text(), re.M) for file in modules}
    form = re.compile(r"Rows: [A-Z]\d+(, [A-Z]\d+)*\.")
    assert {file: found for file, found in lines.items() if not all(map(form.fullmatch, found))} == {}


def test_what_is_never_undone_says_why() -> None:
    functions = {step: set(re.findall(r"^(\w+)\(\)", step.read_text(), re.M)) for step in STEPS}
    silent = [s for s in STEPS if {"apply"} == functions[s] & {"apply", "undo"} and not reference.not_undone(s)]
    needless = [s for s in STEPS if "apply" not in functions[s] and reference.not_undone(s)]
    assert (silent, needless) == ([], [])


def test_the_page_has_a_section_for_each_row() -> None:
    text = (ROOT / "docs" / "rows.md").read_text()
    wanted = rows.whole(ROOT)
    assert [row for row in re.findall(r"^## (\w+)$", text, re.M) if row in wanted] == wanted
    last = {"H": 20, "G": 9, "C": 5}
    assert wanted[:34] == [f"{group}{number}" for group in last for number in range(1, last[group] + 1)]
    assert len(wanted) > 34, "parts have rows too"


MARKED = """\
import pytest

pytestmark = [pytest.mark.lab, pytest.mark.row("H1")]


@pytest.mark.row("H2", "H3")
def test_one(): ...


def helper():
    @pytest.mark.row("H4")
    def test_inside(): ...


@pytest.mark.row("H5")
def not_collected(): ...


@pytest.mark.row("H6")
class TestSome:
    @pytest.mark.row("H7")
    async def test_two(self): ...


class Other:
    @pytest.mark.row("H8")
    def test_three(self): ...
"""


def test_only_what_pytest_collects_counts() -> None:
    assert sorted(rows.marked(MARKED)) == [
        ("test_one", "H1"),
        ("test_one", "H2"),
        ("test_one", "H3"),
        ("test_two", "H1"),
        ("test_two", "H6"),
        ("test_two", "H7"),
    ]


def test_what_is_missing_or_unknown_is_named(tmp_path: Path) -> None:
    steps = tmp_path / "components" / "host" / "steps"
    steps.mkdir(parents=True)
    (steps / "swap_off.sh").write_text("# No swap.\n# rows: H12 H99\n\ncheck() {\n    true\n}\n")
    (tmp_path / "components" / "host" / "log.py").write_text('"""What is said.\n\nRows: H1, H18.\n"""\n')
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_swap.py").write_text('@pytest.mark.row("H12")\ndef test_swap(): ...\n')
    of = rows.places(tmp_path, {"swap": "off (H12): never.", "os": "none"})
    assert of["H12"].keys == ["swap"]
    assert of["H12"].files == [Path("components/host/steps/swap_off.sh")]
    assert of["H12"].tests == [(Path("tests/test_swap.py"), "test_swap")]
    assert of["H18"].files == [Path("components/host/log.py")]
    part = tmp_path / "components" / "platforms" / "some"
    part.mkdir(parents=True)
    (part / "rows.toml").write_text('[rows]\nZ1 = "Something"\n')
    lines = rows.untrue(tmp_path, of)
    assert "H99: no such row, named by components/host/steps/swap_off.sh" in lines
    assert "H1: no test proves it" in lines
    assert "G1: no step and no module has it" in lines
    assert [line for line in lines if line.startswith("H12:")] == []
    assert [line for line in lines if line.startswith("Z1:")] == [
        "Z1: no step and no module has it",
        "Z1: no test proves it",
    ]
    (part / "rows.toml").write_text('[rows]\nH1 = "The inventory"\n')
    with pytest.raises(ValueError, match=r"some/rows.toml: H1 stands elsewhere too$"):
        rows.titles(tmp_path)


def test_keys_are_told_by_the_docstrings_of_config() -> None:
    assert {"proxy", "socks"} <= set(found()["H14"].keys)
    assert "accounts.NAME" in found()["H4"].keys
