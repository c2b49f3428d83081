"""The check that a new user of the site becomes nobody else, with made-up users. tests/scripts asks a host."""

import os
from pathlib import Path

import pytest

from tests.scripts.functions import shell

pytestmark = pytest.mark.row("S6", "X14")

STEP = Path("components/host/steps/account_free.sh")
FAKES = """getent() { case "$1 $2" in
    "passwd old") echo 'old:x:20007:20007::/home/old:' ;;
    "group old") echo 'old:x:20007:' ;;
    *) return 2 ;; esac; }
untrue() { printf '%s' "$*"; exit 10; }
"""


def said(**inputs: str) -> str:
    """What the check says; empty if it holds."""
    library = Path("components/host/lib.sh").resolve()
    return shell(STEP, f". {library}\n{FAKES}(check) || [[ $? == 10 ]]", **inputs)


def test_a_number_that_somebody_had_is_not_given_to_another(tmp_path: Path) -> None:
    left, number = tmp_path / "ben", str(os.getuid())
    left.mkdir()
    assert said(name="carl", uid=number, home=str(tmp_path / "carl")) == (
        f"has {left} of number {number}, which carl would own: the home of somebody who had that number. "
        f"Fix: write a number in users.carl.uid that nobody had; or, for the same person, users.carl.home: {left}"
    )
    # The same person under another name, another number, the first of all homes.
    assert said(name="carl", uid=number, home=str(left)) == ""
    assert said(name="carl", uid="59999", home=str(tmp_path / "carl")) == ""
    assert said(name="carl", uid=number, home=str(tmp_path / "none/carl")) == ""


def test_a_user_that_is_there_is_judged_by_its_account() -> None:
    assert said(name="old", uid="20007").startswith("has a user old already, made by others,")
