"""Programs that ask, by hostrun/asked.sh on this machine: only agreed questions are answered."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path("components/hostrun/asked.sh").resolve()

METADATA = 'printf "It changes the metadata. Do you approve? [Yes/No]: "; read -r answer; echo "got $answer"'


def ask(agreed: str, program: str) -> tuple[int, str, str]:
    """The status, what was printed, and the question that had no answer."""
    script = (
        f'set -euo pipefail; . {SCRIPT}; status=0; asked "$1" bash -c "$2" || status=$?; '
        'printf "\\n%s\\n%s" "$ASKED" "$status"'
    )
    done = subprocess.run(["bash", "-c", script, "-", agreed, program], capture_output=True, text=True, check=True)
    *text, asked, status = done.stdout.split("\n")
    return int(status), "\n".join(text), asked


def test_what_asks_nothing_ends_as_it_would() -> None:
    status, text, asked = ask("", "test -t 0 && echo terminal; exit 5")
    assert (status, text.strip(), asked) == (5, "terminal", "")


@pytest.mark.row("Q2", "Q8")
def test_only_an_agreed_question_is_answered_by_the_word_it_offers() -> None:
    status, text, asked = ask("metadata", METADATA)
    assert (status, asked) == (0, "")
    assert "got Yes" in text
    status, text, asked = ask("metadata", 'echo "New metadata (y/n)?"; read -r answer; echo "got $answer"')
    assert (status, asked) == (0, "")
    assert "got y" in text


@pytest.mark.row("Q2", "Q8")
@pytest.mark.parametrize("program", [METADATA, 'printf "Password: "; read -r answer', 'echo "Go on (y/n)"; read -r a'])
def test_any_other_question_ends_the_program(program: str) -> None:
    status, text, asked = ask("nothing", program)
    assert status == 3
    assert asked in program.replace('"', "\n")
    assert asked
    assert "got" not in text


def test_a_question_without_a_word_for_yes_is_not_guessed_at() -> None:
    assert ask("metadata", 'printf "Type the name of the metadata: "; read -r a')[0] == 3


@pytest.mark.row("Q2", "Q8")
def test_nothing_is_taken_away_on_an_agreement() -> None:
    status, text, asked = ask("metadata", 'printf "Delete the old metadata? [Yes/No]: "; read -r a; echo "got $a"')
    assert (status, asked) == (3, "Delete the old metadata? [Yes/No]:")
    assert "got" not in text


@pytest.mark.parametrize("wait", ["sleep 6", "seen=$(sleep 6)"])
def test_a_colon_is_no_question_while_nobody_waits_for_input(wait: str) -> None:
    assert ask("", f'printf "Loading images: "; {wait}; exit 0')[0] == 0


def test_progress_is_no_question() -> None:
    slow = 'echo "Loading images:"; sleep 5; printf "layer [==>  ] 5MB/10MB"; sleep 5; echo; exit 0'
    assert ask("", slow)[0] == 0
