"""docs/stories.md names tests that there are, for each story that it lists.

Does not prove: that such a test tells the story; that is for its reader.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/stories.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_each_test_that_the_page_names_is_there() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if not re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)
    ]
    assert missing == []


@pytest.mark.parametrize(("head", "rows"), [("k0sctl", 17), ("Kubespray", 11), ("Bad luck", 9)])
def test_each_story_has_its_row_with_a_test_or_says_that_there_is_none(head: str, rows: int) -> None:
    section = PAGE.split(f"## {head}\n")[1].split("\n## ")[0]
    found = [line for line in section.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(found) == rows
    assert [line for line in found if "`tests/" not in line and "| none |" not in line] == []
