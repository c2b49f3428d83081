"""Steps as data, and the words and payload that a runner gets. That it reads them so: tests/scripts/test_runner.py."""

import re
import shlex
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from components.hostrun import step as steps
from components.hostrun.step import COMPONENTS, RUNNER, Step, command_line, payload


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


def test_the_digest_covers_what_a_step_uses_and_what_that_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "low/lib.sh": "low() { :; }\n",
        "parts/high/lib.sh": "# uses: low\nhigh() { low; }\n",
        "parts/high/steps/thing.sh": "# It holds.\n# uses: low high\ncheck() { high; low; }\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(steps, "COMPONENTS", tmp_path)
    script = tmp_path / "parts/high/steps/thing.sh"
    whole = "".join(texts.values())
    assert steps.content(script).decode() == whole
    assert Step(script).ref == f"thing@{sha256(whole.encode()).hexdigest()[:12]}"


@pytest.mark.parametrize(
    ("room", "says"),
    [
        ("none", "finds no lib.sh"),
        ("hostrun", "Fix: name another room"),
        ("twice", r"finds .*/twice/lib\.sh, .*/twice/lib\.sh"),
    ],
)
def test_a_room_that_cannot_be_told_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str, says: str
) -> None:
    for name in ("hostrun", "twice", "parts/twice"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "lib.sh").touch()
    monkeypatch.setattr(steps, "COMPONENTS", tmp_path)
    script = tmp_path / "thing.sh"
    script.write_text(f"# uses: {room}\ncheck() {{ :; }}\n")
    with pytest.raises(ValueError, match=says):
        _ = Step(script).ref


def test_words_survive_a_shell(script: Path) -> None:
    step = Step(script, {"a": "two words", "b": 'it\'s "$(x)" \\ `y`', "c": ""}, label="net")
    assert shlex.split(step.words()) == [step.ref, "a=two words", 'b=it\'s "$(x)" \\ `y`', "c="]


def test_the_command_line_shows_one_step_a_line(script: Path) -> None:
    two = [Step(script, {"vm.swappiness": "10"}), Step(script, label="two")]
    line = command_line("base", two)
    assert line.splitlines() == [
        "/usr/local/sbin/gpu-metal apply base \\",
        f"  :: {two[0].words()} \\",
        f"  :: {two[1].words()}",
    ]
    shown = f"gpu-metal() {{ printf '%s\\n' \"$@\"; }}\n{line.replace(RUNNER, 'gpu-metal')}"
    words = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True).stdout.splitlines()
    assert words == ["apply", "base", "::", two[0].ref, "vm.swappiness=10", "::", two[1].ref]


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


def test_the_runner_is_called_by_its_full_path() -> None:
    """RHEL's sudo has a secure_path without /usr/local/sbin: `sudo gpu-metal` finds nothing there."""
    assert command_line("base", []).split()[0] == "/usr/local/sbin/gpu-metal"
    for script in ("check.sh", "install.sh"):
        text = (COMPONENTS / "hostrun" / script).read_text()
        assert not re.search(r"(sudo |')gpu-metal ", text), script
