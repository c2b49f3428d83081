"""Steps as data, and the words and payload that a runner gets. That it reads them so: tests/scripts/test_runner.py."""

import shlex
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from components.hostrun.step import Step, command_line, payload


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "sysctl.sh"
    path.write_text("check() { :; }\n")
    return path


def test_a_step_is_named_by_its_file_its_digest_and_its_label(script: Path) -> None:
    digest = sha256(script.read_bytes()).hexdigest()[:12]
    assert (Step(script).id, Step(script).ref) == ("sysctl", f"sysctl@{digest}")
    labelled = Step(script, label="net")
    assert (labelled.id, labelled.ref) == ("sysctl#net", f"sysctl@{digest}#net")


def test_words_survive_a_shell(script: Path) -> None:
    step = Step(script, {"a": "two words", "b": 'it\'s "$(x)" \\ `y`', "c": ""}, label="net")
    assert shlex.split(step.words()) == [step.ref, "a=two words", 'b=it\'s "$(x)" \\ `y`', "c="]


def test_the_command_line_shows_one_step_a_line(script: Path) -> None:
    steps = [Step(script, {"vm.swappiness": "10"}), Step(script, label="two")]
    line = command_line("base", steps)
    assert line.splitlines() == ["gpu-metal apply base \\", f"  :: {steps[0].words()} \\", f"  :: {steps[1].words()}"]
    shown = f"gpu-metal() {{ printf '%s\\n' \"$@\"; }}\n{line}"
    words = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True).stdout.splitlines()
    assert words == ["apply", "base", "::", steps[0].ref, "vm.swappiness=10", "::", steps[1].ref]


def test_a_step_that_is_there_twice_needs_a_label(script: Path) -> None:
    with pytest.raises(ValueError, match=r"layer base has \['sysctl'\] more than once: give each a label"):
        command_line("base", [Step(script, {"a": "1"}), Step(script, {"a": "2"})])


def test_secrets_and_bulk_go_by_the_payload_only(script: Path) -> None:
    step = Step(script, bulk={"config": "one\n\ntwo\n"}, secrets={"password": "dbPassword"}, label="x")
    text = payload([Step(script), step], {"dbPassword": "hunter2"})
    assert text == "bulk sysctl#x config 3\none\n\ntwo\nsecret sysctl#x password 1\nhunter2\n"
    assert "hunter2" not in command_line("base", [step])
    assert "hunter2" not in repr(step)


def test_no_payload_when_nothing_needs_one(script: Path) -> None:
    assert payload([Step(script, {"a": "1"})], {}) == ""
