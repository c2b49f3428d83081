"""Programs that ask, by hostrun/asked.sh on this machine: only agreed questions are answered."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPT = Path("components/hostrun/asked.sh").resolve()
Answer = tuple[int, str, str]
"""The status, what was printed, and the question that had no answer."""

METADATA = 'printf "It changes the metadata. Do you approve? [Yes/No]: "; read -r answer; echo "got $answer"'
OTHERS = (METADATA, 'printf "Password: "; read -r answer', 'echo "Go on (y/n)"; read -r a')
SLOW = 'echo "Loading images:"; sleep 5; printf "layer [==>  ] 5MB/10MB"; sleep 5; echo; exit 0'
CASES = {
    "asks nothing": ("", "test -t 0 && echo terminal; exit 5"),
    "agreed": ("metadata", METADATA),
    "agreed, y": ("metadata", 'echo "New metadata (y/n)?"; read -r answer; echo "got $answer"'),
    **{program: ("nothing", program) for program in OTHERS},
    "no word for yes": ("metadata", 'printf "Type the name of the metadata: "; read -r a'),
    "deletes": ("metadata", 'printf "Delete the old metadata? [Yes/No]: "; read -r a; echo "got $a"'),
    **{wait: ("", f'printf "Loading images: "; {wait}; exit 0') for wait in ("sleep 6", "seen=$(sleep 6)")},
    "progress": ("", SLOW),
}


def ask(agreed: str, program: str) -> Answer:
    script = (
        f'set -euo pipefail; . {SCRIPT}; status=0; asked "$1" bash -c "$2" || status=$?; '
        'printf "\\n%s\\n%s" "$ASKED" "$status"'
    )
    done = subprocess.run(["bash", "-c", script, "-", agreed, program], capture_output=True, text=True, check=True)
    *text, asked, status = done.stdout.split("\n")
    return int(status), "\n".join(text), asked


@pytest.fixture(scope="module")
def answer() -> Callable[[str], Answer]:
    """Of a case. They run beside each other, since each one mostly waits."""
    with ThreadPoolExecutor(len(CASES)) as pool:
        found = dict(zip(CASES, pool.map(lambda case: ask(*case), CASES.values()), strict=True))
    return found.__getitem__


def test_what_asks_nothing_ends_as_it_would(answer: Callable[[str], Answer]) -> None:
    status, text, asked = answer("asks nothing")
    assert (status, text.strip(), asked) == (5, "terminal", "")


@pytest.mark.row("Q2", "Q8")
@pytest.mark.parametrize(("case", "got"), [("agreed", "got Yes"), ("agreed, y", "got y")])
def test_only_an_agreed_question_is_answered_by_the_word_it_offers(
    answer: Callable[[str], Answer], case: str, got: str
) -> None:
    status, text, asked = answer(case)
    assert (status, asked) == (0, "")
    assert got in text


@pytest.mark.row("Q2", "Q8")
@pytest.mark.parametrize("program", OTHERS)
def test_any_other_question_ends_the_program(answer: Callable[[str], Answer], program: str) -> None:
    status, text, asked = answer(program)
    assert status == 3
    assert asked in program.replace('"', "\n")
    assert asked
    assert "got" not in text


def test_a_question_without_a_word_for_yes_is_not_guessed_at(answer: Callable[[str], Answer]) -> None:
    assert answer("no word for yes")[0] == 3


@pytest.mark.row("Q2", "Q8")
def test_nothing_is_taken_away_on_an_agreement(answer: Callable[[str], Answer]) -> None:
    status, text, asked = answer("deletes")
    assert (status, asked) == (3, "Delete the old metadata? [Yes/No]:")
    assert "got" not in text


@pytest.mark.parametrize("case", ["sleep 6", "seen=$(sleep 6)"])
def test_a_colon_is_no_question_while_nobody_waits_for_input(answer: Callable[[str], Answer], case: str) -> None:
    assert answer(case)[0] == 0


def test_progress_is_no_question(answer: Callable[[str], Answer]) -> None:
    assert answer("progress")[0] == 0
