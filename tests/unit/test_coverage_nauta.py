"""docs/how-to/nauta.md: each section, command and variable of Nauta's guide has its line, which names what is there.

Nauta is no part of a site, so its page names keys of many parts, commands, and the tests themselves.
"""

import re
from pathlib import Path

import pytest

from ops.explain import explain
from ops.importing import nauta_config, nauta_hosts
from ops.rows import ROOT
from tests.unit.fenced import contents, plain
from tests.unit.test_coverage import SEEDS, schema

PAGE = ROOT / "docs/how-to/nauta.md"
GUIDE = SEEDS / "nauta.txt"
COMMAND = re.compile(r"(nctl|kubectl|curl|systemctl|yum|export|\./installer\.sh|cp|tar|vim|~/config/draft) ")
LINK = re.compile(r"\[`(test_\w+)`\]\(\.\./\.\./(\S+?)\)")
OURS = re.compile(r"(sitectl|\./sitectl|pulumi|kubectl) ")


def asked(text: str, titles: list[str]) -> dict[str, list[str]]:
    """Section → its commands, in fences and in single words of code, in their order."""
    found: dict[str, list[str]] = {}
    left, items, fenced = list(titles), list[str](), False
    for line in text.splitlines():
        said = line.strip()
        if said.startswith("```"):
            fenced = not fenced
        elif fenced:
            items += [plain(said)] if COMMAND.match(said) else []
        elif left and said.lstrip("# ") == left[0]:
            items = found[left.pop(0)] = []
        else:
            items += [plain(code) for code in re.findall(r"`([^`]+)`", said) if COMMAND.match(code)]
    return found


def told() -> dict[str, list[tuple[str, str, str, str]]]:
    """Section → its lines: what the guide has, what is here, what shows it, a remark."""
    found = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        assert body.strip(), f"{title}: nothing is said of it"
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in body.splitlines()]
        found[title] = [(row[0].strip("`"), *row[1:]) for row in cells if len(row) == 4 and row[0].startswith("`")]
    return found  # type: ignore[return-value] # four cells


def test_every_section_and_command_has_its_line() -> None:
    if not GUIDE.exists():
        pytest.skip(f"the source document is not here: {GUIDE}")
    text, found = GUIDE.read_text(), told()
    titles = contents(text.partition("\nFigures\n")[0])
    assert list(found) == titles
    wanted = asked(text, titles)
    assert sum(map(len, wanted.values())) > 25
    for title, items in wanted.items():
        assert [line[0] for line in found[title] if COMMAND.match(line[0])] == items, title


def test_every_variable_of_the_guide_has_its_line() -> None:
    lines = {line[0] for lines in told().values() for line in lines}
    variables = {*nauta_config.KNOWN, *nauta_hosts.DISK, *nauta_hosts.INTERFACES}
    variables |= {f"ansible_ssh_{name}" for name in ("user", "pass", "host", "port", "private_key_file")}
    assert variables - lines == set()


def test_each_line_says_what_does_it_or_why_nothing_does() -> None:
    silent = [line[0] for lines in told().values() for line in lines if not (line[1] or line[3])]
    assert silent == []
    # What is here is shown by a test, or is another's own program.
    unproven = {
        line[0] for lines in told().values() for line in lines if OURS.match(line[1].strip("`")) and not line[2]
    }
    assert unproven == set()


def test_the_keys_and_tests_of_the_page_are_there() -> None:
    lines = [line for lines in told().values() for line in lines]
    keys = {key for line in lines for key in re.findall(r"`([^`]+)`", line[1]) if not OURS.match(key)}
    assert len(keys) > 40
    for key in keys:
        explain(schema(""), key)
    links = {link for line in lines for link in LINK.findall(line[2])}
    missing = [name for name, path in links if f"\ndef {name}(" not in _text(ROOT / path)]
    assert missing == []


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_each_command_of_the_page_is_one_of_sitectl() -> None:
    commands = set(re.findall(r"`\.?/?sitectl ([a-z]+(?: [a-z]+)?)", PAGE.read_text()))
    reference = (ROOT / "docs/reference/sitectl.md").read_text()
    unknown = [each for each in commands if f"sitectl {each.split()[0]}" not in reference]
    assert unknown == []
