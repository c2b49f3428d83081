"""Source documents with code in ``` fences, as tests/unit/test_coverage.py goes through them."""

import re
from collections.abc import Sequence

SHELL = re.compile(
    r"(sudo|curl|kubect[l1]|helm|wget|chmod|tar|cd|export|docker|mkdir|cat|kubeadm|mlflow|dsl-compile|autoload|source"
    r"|Run:ai-adm|Run:ai|\./\S+|--\S+)\b"
)
"""What commands begin with, in a document that does not say which code is of a shell."""


def fenced(text: str, titles: Sequence[str]) -> dict[str, list[str]]:
    """The same of a document with code in ``` fences, whose titles are lines as any other or have `#` before them:
    those of `titles` that it has, in their order; a chapter's has its number before it and large letters.
    """
    found: dict[str, list[str]] = {}
    left = list(titles)
    items: list[str] = []
    block: list[str] | None = None
    for line in text.splitlines():
        said = line.strip()
        chapter = re.fullmatch(r"\d (.*)", said)
        if said.startswith("```"):
            items += of_fence(block or [])
            block = [] if block is None else None
        elif block is not None:
            block.append(said)
        elif left and (said.lstrip("# ") == left[0] or (chapter and chapter[1] == left[0].upper())):
            items = found[left.pop(0)] = []
    return found


def of_fence(lines: list[str]) -> list[str]:
    """The commands in a block of code; of anything else its first line."""
    every = re.sub(r"\s*\\\n", " ", "\n".join(filter(None, lines))).splitlines()
    shell = [plain(re.sub(r" \\ #$", "", line)) for line in every if SHELL.match(line)]
    return shell or [plain(line) for line in every[:1]]


def contents(text: str) -> list[str]:
    """The titles in a document's table of contents: lines with a page's number after a tab."""
    return re.findall(r"^(?:\d\t|\t)?([^\t\n]*?)\.*\t\d+$", text.partition("List Of Figures")[0], re.MULTILINE)


def plain(text: str) -> str:
    """In single blanks, without the hosts of addresses: `…/NAME`."""
    return re.sub(r"\s+", " ", re.sub(r"https?://\S*/(?=\S)", "…/", text)).strip()
