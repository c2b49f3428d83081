"""Each command that a message names can be run: it is a verb, with arguments and flags that it takes.

Does not prove: that it mends what the message is about; the test of each message does. Commands of other programs
(systemctl, kubectl, apt-get) are not looked at.
"""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer._click.exceptions import UsageError
from typer.main import get_command

from ops.cli import app

ROOT = Path(__file__).parents[2]
SOURCES = {".py", ".sh"}
ROOMS = ("stacks", "ops", "components", "policy", "tools")
SITECTL: Any = get_command(app)
TARGETS = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PULUMI = {
    "up": {"--yes", "--stack", "--target", "--skip-preview", "--refresh"},
    "preview": {"--diff", "--stack"},
    "destroy": {"--yes", "--stack", "--target"},
    "refresh": {"--yes", "--stack"},
    "cancel": {"--yes", "--stack"},
    "config": {"--secret", "--stack", "--plaintext"},
    "stack": {"--stack", "--show-secrets", "--preserve-config", "--file"},
    "login": {"--local"},
    "plugin": set[str](),
    "install": set[str](),
    "whoami": set[str](),
}
"""Verbs of Pulumi 3.220 that we tell people to use, with flags of each."""
ENGLISH = {f"make {word}" for word in ("a", "it", "one", "room", "install")}
ENGLISH |= {"pulumi has", "pulumi is", "pulumi looks", "sitectl itself", "sitectl of"}
_WORD = r"[ =](?![a-z]+(?:[\s,;:)]|\.?$|\.\s))[^\s]+"
NAMED = re.compile(
    r"(?<![\w./-])(?:\./)?(sitectl|pulumi|make) ((?:(?:user|project|import|registry|upgrade) )?[a-z][a-z0-9-]*)"
    rf"((?: -[a-z] [^\s]+|{_WORD})*)"
)
"""A command with what follows it: flags, and words that are not prose (NAME, gpu-1, X for what the program puts in)."""


def texts(path: Path) -> Iterator[str]:
    """The texts of a program file: in Python each string with X for each value, in bash each line."""
    if path.suffix == ".sh":
        for line in path.read_text().splitlines():
            if not line.lstrip().startswith("#"):
                yield re.sub(r"\$\([^()]*\)|\$\{[^}]*\}|\$\w+", "X", line)
        return
    tree = ast.parse(path.read_text())
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (inner | prose):
            yield node.value


def commands() -> Iterator[tuple[str, str, str, str]]:
    """File, program, verb, and the words after it, of all commands that messages name."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in SOURCES:
                for text in texts(path):
                    for program, verb, rest in NAMED.findall(text):
                        if f"{program} {verb}" not in ENGLISH:
                            yield f"{path.relative_to(ROOT)}: {text.strip()[:160]}", program, verb, rest


def words(rest: str) -> list[str]:
    """The words of a command: a sentence ends it."""
    found = []
    for word in rest.split():
        bare = re.sub(r"[.,;:)'\"`&|]+$", "", word)
        if bare:
            found.append(bare)
        if bare != word:
            break
    return found


def fault(program: str, verb: str, given: list[str]) -> str:
    """Why it cannot be run; empty when it can."""
    if program == "make":
        return "" if verb in TARGETS else f"make has no {verb}"
    if program == "pulumi":
        strange = {word.partition("=")[0] for word in given if word.startswith("--")} - PULUMI.get(verb, set())
        return "" if verb in PULUMI and not strange else f"pulumi {verb} {strange or ''}"
    command = SITECTL
    for word in verb.split():
        if word not in command.commands:
            return f"sitectl has no {verb}"
        command = command.commands[word]
    try:
        command.make_context(verb, given)
    except UsageError as error:
        # A verb alone may be a name in a sentence.
        named = not given and "Missing argument" in error.format_message()
        return "" if named else f"sitectl {verb} {shlex.join(given)}: {error.format_message()}"
    return ""


def test_every_command_that_a_message_names_can_be_run() -> None:
    found = list(commands())
    assert len(found) > 40, found
    faults = [(where, fault(program, verb, words(rest))) for where, program, verb, rest in found]
    assert [f"{where}\n   {why}" for where, why in faults if why] == []


def test_drift_that_pulumi_up_shall_mend_is_recorded() -> None:
    """Without --record, `pulumi up` sees no difference, and changes nothing."""
    found = [
        text for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in SOURCES for text in texts(path)
    ]
    drift = [text for text in found if re.search(r"sitectl drift\b[^.;]*then pulumi up", text)]
    assert len(drift) >= 3
    assert [text for text in drift if not re.search(r"sitectl drift (\S+ )?--record, then pulumi up", text)] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Fix: sitectl drift gpu-1 --record, then pulumi up.", ""),
        ("Fix: sitectl scan --nope.", "No such option: --nope"),
        ("sitectl mend X.", "sitectl has no mend"),
        ("sitectl recover X;", "unexpected extra argument"),
        ("pulumi up --hard", "--hard"),
        ("make upp", "make has no upp"),
        ("(sitectl verify names the host that hangs)", ""),
    ],
)
def test_the_test_sees_a_command_that_cannot_be_run(text: str, why: str) -> None:
    faults = [fault(program, verb, words(rest)) for program, verb, rest in NAMED.findall(text)]
    assert why in "".join(faults) if why else not any(faults)
