"""What is wrong with a text that is not YAML, in an operator's words. The parser's own name its productions."""

import json
import re
from collections.abc import Iterator

from ruamel.yaml.error import MarkedYAMLError


def line_of(error: MarkedYAMLError) -> int:
    """The line that is wrong, counted from 1."""
    return error.problem_mark.line + 1 if error.problem_mark else 1


def told(error: MarkedYAMLError, text: str) -> str:
    """What is wrong in that line, the line that it does not fit to, and the fix."""
    lines, number = text.splitlines(), line_of(error)
    line = lines[number - 1] if number <= len(lines) else ""
    problem, begun = str(error.problem), error.context_mark.line + 1 if error.context_mark else None
    if "'\\t'" in problem:
        before = line[: len(line) - len(line.lstrip())]
        where = "is indented with a tab" if "\t" in before else "has a tab in it"
        return f"{where}. YAML takes blanks only. Fix: two blanks for each level."
    if found := re.match(r"found character '(.)' that cannot start", problem):
        return f'has a value that begins with {found[1]}. Fix: quote it: "{found[1]}…".'
    if begun and "flow" in str(error.context):
        opened = lines[begun - 1][error.context_mark.column]
        closing = {"{": "}", "[": "]"}.get(opened, "")
        return f"comes before the {opened} of line {begun} is closed. Fix: a {closing} where it ends."
    if begun and "quoted scalar" in str(error.context):
        return f"is the end, and the quote of line {begun} is still open. Fix: close it there."
    if "expected <block end>" in problem or "mapping values are not allowed" in problem:
        return _indentation(lines, number)
    return f"is not YAML here: {problem}."


def _indentation(lines: list[str], number: int) -> str:
    own = _indent(lines[number - 1])
    open_ = list(_open(lines, number))
    if not open_:
        return f"is indented by {own} blanks, and no line is above it. Fix: none."
    above, indent = open_[0]
    text = lines[above - 1].split(" #")[0].strip()
    if own >= indent and ":" not in text:
        seen = json.dumps(text[:40], ensure_ascii=False)
        return f"does not fit to line {above}, {seen}, which is no key. Fix: a colon after it."
    if own > indent:
        more = f"{own - indent} deeper than line {above}, which has its value already"
        return f"is indented by {own} blanks, {more}. Fix: {_beside(indent, above)}."
    said = " and ".join(f"line {n} has {i}" for n, i in open_[:2])
    fixes = "; or ".join(_beside(i, n) for n, i in open_[:2])
    return f"is indented by {own} blanks, which fits to no line above: {said}. Fix: {fixes}."


def _beside(indent: int, number: int) -> str:
    return f"{indent} blanks, to stand beside line {number}"


def _indent(line: str) -> int:
    """Where the key of a line begins: behind the dash of a list's item."""
    return len(line) - len(line.lstrip(" ").removeprefix("- ").lstrip(" "))


def _open(lines: list[str], number: int) -> Iterator[tuple[int, int]]:
    """The lines above that one to which it could belong, the nearest first, each with where its key begins."""
    least = 1 << 30
    for above in range(number - 1, 0, -1):
        line = lines[above - 1]
        if line.strip() and not line.lstrip().startswith("#") and (indent := _indent(line)) < least:
            yield above, indent
            least = min(least, len(line) - len(line.lstrip(" ")))
