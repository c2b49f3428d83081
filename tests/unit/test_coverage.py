"""docs/parts/*/coverage.md: each section, command and named item of a source document has its line, which names what is
there.

Does not prove: that the step does what the document wants; the tests of its rows do (docs/rows.md).
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from components.hostrun.step import content
from components.registry import REGISTERED
from ops.explain import explain
from ops.reference import ROOT
from stacks.model import site_model
from tests.unit.fenced import contents, fenced, plain

SEEDS = ROOT.parent / "shared" / "seeds"
"""The source documents; they are not a part of this repository."""

PARTS = sorted(
    page.parent.name
    for page in (ROOT / "docs" / "parts").glob("*/coverage.md")
    if page.parent.name in {each.kind for each in REGISTERED}
)

BEYOND = "Beyond the document"
"""The section of a page that has no counterpart."""

UNDERLINE = re.compile(r"([=\-~+*])\1{2,}\s*")
BLOCK = re.compile(r"\s*\.\. code-block:: (\w+)\s*")
NAMED = re.compile(r"\s*\* .*?\*\*(.+?)\*\*")
LINK = re.compile(r"\[`(\w+)`\]\(\.\./\.\./reference/checks\.md#(\w+)\)")


@dataclass(frozen=True)
class Line:
    """One row of a coverage page."""

    item: str
    keys: tuple[str, ...]
    steps: tuple[str, ...]
    remark: str


def asked(text: str) -> dict[str, list[str]]:
    """Section → its commands and items in bold, of a document in reStructuredText.

    Of a console, what follows a `$`, and the first line where there is none: an example of what is printed.
    """
    found: dict[str, list[str]] = {}
    lines = [*text.splitlines(), "end", ""]
    items: list[str] = []
    block: tuple[str, int] | None = None
    within: list[str] = []
    for line, below in pairwise(lines):
        indent = len(line) - len(line.lstrip())
        begins = BLOCK.fullmatch(line)
        titled = bool(line.strip()) and UNDERLINE.fullmatch(below) and not UNDERLINE.fullmatch(line)
        if block and (begins or (line.strip() and indent <= block[1])):
            items += commands(block[0], within)
            block = None
        if begins:
            block, within = (begins[1], indent), []
        elif block:
            within.append(line.strip())
        elif titled and indent == 0:
            items = found[line.strip()] = []
        elif match := NAMED.match(line):
            items.append(plain(match[1]))
    return found


def commands(language: str, lines: list[str]) -> list[str]:
    """Those of one code block, each in one line."""
    text = re.sub(r"\s*\\\n(\$ )?", " ", "\n".join(line for line in lines if line))
    every = text.splitlines()
    if language == "console":
        prompted = [line.removeprefix("$ ") for line in every if line.startswith("$ ")]
        return [plain(line) for line in (prompted or every[:1])]
    return [plain(line) for line in every if not line.startswith("#")]


def told(page: str) -> dict[str, list[Line]]:
    """Section → its rows. A row whose first cell is no code is the page's own."""
    found: dict[str, list[Line]] = {}
    for section in page.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        if title == BEYOND:
            continue
        assert title not in found
        found[title] = list(rows(body))
        assert body.strip(), f"{title}: nothing is said of it"
    return found


def rows(body: str) -> Iterator[Line]:
    for line in body.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`"):
            links = LINK.findall(cells[2])
            assert all(name == anchor for name, anchor in links), cells[2]
            yield Line(
                cells[0].strip("`").strip(),
                tuple(re.findall(r"`([^`]+)`", cells[1])),
                tuple(name for name, _ in links),
                cells[3],
            )


def page(part: str) -> str:
    return (ROOT / "docs" / "parts" / part / "coverage.md").read_text()


def source_of(part: str) -> Path:
    """The document that the part's page goes through."""
    [file] = (ROOT / "components").glob(f"*/{part}/rows.toml")
    return SEEDS / f"{tomllib.loads(file.read_text())['document']}.txt"


@pytest.mark.parametrize("part", PARTS)
def test_every_section_and_command_has_its_line(part: str) -> None:
    source = source_of(part)
    if not source.exists():
        pytest.skip(f"the source document is not here: {source}")
    text, found = source.read_text(), told(page(part))
    wanted = fenced(text, list(found)) if "```" in text else asked(text)
    assert sum(map(len, wanted.values())) > 10
    assert [title for title in contents(text) if title not in found] == []
    assert list(found) == list(wanted)
    for section, items in wanted.items():
        assert [line.item for line in found[section]] == items, section


@pytest.mark.parametrize("part", PARTS)
def test_each_line_says_what_does_it_or_why_nothing_does(part: str) -> None:
    silent = [
        line.item
        for lines in told(page(part)).values()
        for line in lines
        if not (line.keys or line.steps or line.remark)
    ]
    assert silent == []


OURS = {
    **dict.fromkeys(("yum", "apt-get"), "pkg_add"),
    **dict.fromkeys(("cp", "echo", "tee"), "write_file"),
    **{"ln": "ln -s", "lsmod": "module_loaded", "wget": "curl"},
}
"""What our steps have in the place of a command that does the same."""
PROGRAM = re.compile(r"(\.?/\S*/|\./)?[a-z][a-z0-9_+-]*(\.sh)?")
NO_PROGRAMS = ("cd", "grep", "export", "sqream_installer-nnn")
SAID = re.compile(r"\b([Ss]uperseded|[Ii]nstead|[Ii]n its place|[Tt]he same)\b")
"""A remark that says that the step does it in another way."""


def programs(item: str) -> list[str]:
    """The programs of a command, each with its long options; none of a setting, a title or what moves the shell."""
    found: list[str] = []
    for part in re.split(r"\||&&|;", item.replace("sqream-console>", "")):
        words = [word for word in part.split() if word != "sudo"]
        if words and PROGRAM.fullmatch(words[0]) and words[0] not in NO_PROGRAMS:
            found += [words[0].rsplit("/", 1)[-1], *(word for word in words[1:] if re.fullmatch(r"--[a-z-]+", word))]
    return found


def does(step: str) -> str:
    """The step with its libraries, and the program text beside it that its inputs carry."""
    [script] = (ROOT / "components").glob(f"**/steps/{step}.sh")
    room = script.parent.parent
    return content(script).decode() + "".join(
        path.read_text() for pattern in ("*.sh", "*.py") for path in room.glob(pattern)
    )


@pytest.mark.parametrize("part", PARTS)
def test_a_step_named_for_a_command_has_it_or_the_remark_says_what_it_does_instead(part: str) -> None:
    claimed = {}
    for section, lines in told(page(part)).items():
        for line in lines:
            text = "".join(map(does, line.steps))
            lacking = [word for word in programs(line.item) if word not in text and OURS.get(word, word) not in text]
            if line.steps and lacking and not SAID.search(line.remark):
                claimed[section, line.item] = lacking
    assert claimed == {}


def test_what_of_a_command_a_step_must_have() -> None:
    assert programs("modprobe --showconfig | grep nouveau") == ["modprobe", "--showconfig"]
    assert programs("sqream-console>sqream master --list") == ["sqream", "--list"]
    assert programs("cd shifter && sudo ./autogen.sh") == ["autogen.sh"]
    assert programs("Ingest directory") == programs("imagePath=/scratch") == []


@pytest.mark.parametrize("part", PARTS)
def test_the_keys_and_steps_of_a_page_are_there(part: str) -> None:
    steps = {path.stem for path in (ROOT / "components").glob("**/steps/*.sh")}
    lines = [line for lines in told(page(part)).values() for line in lines]
    assert {name for line in lines for name in line.steps} - steps == set()
    for key in {key for line in lines for key in line.keys}:
        explain(schema(part if key.startswith(".") else ""), key.replace("[]", "").lstrip("."))


@cache
def schema(part: str) -> dict[str, Any]:
    """As explain wants it, with the part's own entry at its top, or the site where no part is named."""
    top = site_model().model_json_schema()
    models = top.pop("$defs")
    if part:
        [top] = [of for of in models.values() if of.get("properties", {}).get("kind", {}).get("const") == part]
    return {"$defs": {**models, "Site": top}}


@pytest.mark.parametrize("part", PARTS)
def test_each_step_of_the_part_is_named(part: str) -> None:
    """What the program does beyond its document stands there too."""
    own = {path.stem for path in (ROOT / "components").glob(f"*/{part}/steps/*.sh")}
    assert own
    assert own - {name for name, _ in LINK.findall(page(part))} == set()


TEXT = """\
Title
=====

First
-----
.. code-block:: console

   $ sudo one \\
   $   --two

* **flag** does it

   The output:

   .. code-block:: console

      one: done
      two: done

Second
++++++
.. code-block:: bash

   wget http://example.org/a/b.zip  # not cut
   # a remark
   make -j8 \\
        all
- a *list*
"""


def test_what_counts_as_a_command() -> None:
    assert asked(TEXT) == {
        "Title": [],
        "First": ["sudo one --two", "flag", "one: done"],
        "Second": ["wget …/b.zip # not cut", "make -j8 all"],
    }


FENCED = """\
1\tFirst Chapter...\t4
\tIts section\t5

List Of Figures
1 FIRST CHAPTER
Its section
```
sudo one \\
 --two
EOF
```
```
kind: PodDefault
metadata:
```
"""


def test_what_counts_as_a_command_in_fences() -> None:
    titles = ["First Chapter", "Its section"]
    assert contents(FENCED) == titles
    assert fenced(FENCED, titles) == {"First Chapter": [], "Its section": ["sudo one --two", "kind: PodDefault"]}
