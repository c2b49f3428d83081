"""Edits one key or one item of a YAML text. Every byte elsewhere stays: comments, order, quotes, blank lines.

ruamel's parser says where each node is; the text is then cut at that place. Its writer is not used: it keeps comments,
but normalises blanks. The result is read again and must differ from the former values by the edit alone.
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from stacks.yaml_words import word

Path = Sequence[str]
"""The keys from the top of the text to a value."""


class CannotEditError(Exception):
    """The text is written in a way that this module does not edit: an anchor, an alias, a `<<`."""


@dataclass(frozen=True)
class _Place:
    """A value, and the key in front of it; none for the whole text."""

    key: ScalarNode | None
    value: Node


def put(text: str, path: Path, value: Any) -> str:  # noqa: ANN401 - any YAML
    """Adds a key that is not there, after the last one of its map. Raises CannotEditError."""
    wanted = _read(text)
    inner = wanted
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    return _checked(_put(text, path, value), wanted)


def take(text: str, path: Path) -> str:
    """Removes a key with its value. Comments above it stay. Raises CannotEditError, KeyError."""
    wanted = _read(text)
    inner = wanted
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    place = _find(text, path[:-1])
    pairs = _pairs(place.value)
    index = next((i for i, (key, _) in enumerate(pairs) if key.value == path[-1]), None)
    if index is None:
        raise CannotEditError(f"{path[-1]} is not written here but repeated by a << from an anchor.")
    return _checked(_cut(text, place, pairs, index), wanted)


def append(text: str, path: Path, item: str) -> str:
    """Adds an item at the end of a list; makes the list where there is none. Raises CannotEditError."""
    wanted = _read(text)
    inner = wanted
    for key in path[:-1]:
        inner = inner[key]
    if not inner.get(path[-1]):
        if path[-1] not in inner:
            return put(text, path, [item])
        inner[path[-1]] = []
    inner[path[-1]].append(item)
    place = _find(text, path)
    if not isinstance(place.value, SequenceNode):
        raise CannotEditError(f"{path[-1]} is not a list.")
    return _checked(_add(text, place, word(item), place.value.value), wanted)


def drop(text: str, path: Path, item: str) -> str:
    """Removes an item from a list. Raises CannotEditError, ValueError if it is not there."""
    wanted = _read(text)
    inner = wanted
    for key in path[:-1]:
        inner = inner[key]
    index = inner[path[-1]].index(item)
    del inner[path[-1]][index]
    place = _find(text, path)
    return _checked(_cut(text, place, [(each, each) for each in place.value.value], index), wanted)


def _read(text: str) -> Any:  # noqa: ANN401 - any YAML
    # A copy: an anchor's value is one object wherever it is repeated, and a change must show at one place only.
    return _unshared(YAML(typ="safe", pure=True).load(text))


def _unshared(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _unshared(each) for key, each in value.items()}
    return [_unshared(each) for each in value] if isinstance(value, list) else copy.copy(value)


def _checked(text: str, wanted: Any) -> str:  # noqa: ANN401
    try:
        if _read(text) == wanted:
            return text
    except YAMLError:
        pass
    raise CannotEditError("an anchor or an alias at this place makes the edit change something else too.")


def _find(text: str, path: Path) -> _Place:
    node: Node = YAML(typ="safe", pure=True).compose(text)
    place = _Place(None, node)
    for name in path:
        found = next(((key, value) for key, value in _pairs(place.value) if key.value == name), None)
        if found is None or found[1].start_mark.index < found[0].start_mark.index:
            raise CannotEditError(f"{name} is not written here but repeated from an anchor.")
        place = _Place(*found)
    return place


def _pairs(node: Node) -> list[tuple[ScalarNode, Node]]:
    return list(node.value) if isinstance(node, MappingNode) else []


def _put(text: str, path: Path, value: Any) -> str:  # noqa: ANN401
    for depth in range(len(path) - 1, -1, -1):
        parent = _value(_read(text), path[:depth])
        if isinstance(parent, dict):
            break
        value = {path[depth]: value}
    place = _find(text, path[:depth])
    if isinstance(place.value, MappingNode):
        entry = f"{word(path[depth])}: {word(value)}"
        nested = isinstance(value, dict) and depth < len(path) - 1 and not _in_braces(place.value)
        if nested:  # a map that the file did not have yet gets a line for each entry
            lines = [f"  {word(name)}: {word(each)}" for name, each in value.items()]
            entry = "\n".join([f"{word(path[depth])}:", *lines])
        return _add(text, place, entry, [each for _, each in place.value.value])
    raise CannotEditError(f"{path[depth - 1]} is not a map.")


def _value(data: Any, path: Path) -> Any:  # noqa: ANN401
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _add(text: str, place: _Place, entry: str, members: Sequence[Node]) -> str:
    """Adds an entry after the last member of a map or list."""
    value = place.value
    if _in_braces(value):
        if members:
            end = _end(members[-1])
            return f"{text[:end]}, {entry}{text[end:]}"
        if isinstance(value, MappingNode) and (block := _opened(text, place, entry)):
            return block
        start = value.start_mark.index + 1
        return f"{text[:start]}{entry}{text[start:]}"
    dash = "- " if isinstance(value, SequenceNode) else ""
    column = value.start_mark.column
    end = _with_comments(text, _line_end(text, _end(members[-1])), column)
    return _insert(text, end, column, dash + entry)


def _opened(text: str, place: _Place, entry: str) -> str:
    """The text with `{}` after a key on a line of its own turned into lines; empty where it is not so written."""
    key, value = place.key, place.value
    if key is None or text[text.rfind("\n", 0, key.start_mark.index) + 1 : key.start_mark.index].strip():
        return ""
    before = text[: value.start_mark.index].rstrip(" ")
    after = text[value.end_mark.index :]
    if not before.endswith(":") or not re.match(r"[ \t]*(#[^\n]*)?\r?(\n|$)", after):
        return ""
    return _insert(before + after, _line_end(before + after, len(before)), key.start_mark.column + 2, entry)


def _insert(text: str, index: int, column: int, entry: str) -> str:
    """Puts lines at the start of a line, with the line ends that the text has."""
    end = "\r\n" if "\r\n" in text else "\n"
    before = text[:index] if text[:index].endswith("\n") else text[:index] + end
    return before + "".join(f"{' ' * column}{line}{end}" for line in entry.split("\n")) + text[index:]


def _cut(text: str, place: _Place, members: Sequence[tuple[Node, Node]], index: int) -> str:
    """Removes a member: `members` has the first and the last node of each."""
    start, end = members[index][0].start_mark.index, _end(members[index][1])
    if end < start:
        raise CannotEditError("the value is not written here but repeated from an anchor.")
    if _in_braces(place.value):
        return _cut_flow(text, members, index, start, end)
    first = text.rfind("\n", 0, start) + 1
    last = _with_comments(text, _line_end(text, end), place.value.start_mark.column)
    if len(members) > 1:
        return text[:first] + text[last:]
    if place.key is None:
        raise CannotEditError("it is the only key of the file.")
    colon = text.index(":", place.key.end_mark.index) + 1
    empty = " []" if isinstance(place.value, SequenceNode) else " {}"
    return text[:colon] + empty + text[colon:first] + text[last:]


def _cut_flow(text: str, members: Sequence[tuple[Node, Node]], index: int, start: int, end: int) -> str:
    if index + 1 < len(members):
        return _cut_before(text, start, end, members[index + 1][0].start_mark.index)
    if index == 0:
        comma = re.compile(r"\s*,").match(text, end)
        return text[:start] + text[comma.end() if comma else end :]
    before = _end(members[index - 1][1])
    if "\n" not in text[before:start]:
        return text[:before] + text[end:]
    comma = re.compile(r"[ \t]*,").match(text, end)
    first = text.rfind("\n", 0, start) + 1
    last = comma.end() if comma else end
    rest = re.compile(r"[ \t]*(#[^\n]*)?\r?\n").match(text, last)
    if rest and not text[first:start].strip():
        return text[:first] + text[rest.end() :]
    return text[:start] + text[last:]


def _cut_before(text: str, start: int, end: int, after: int) -> str:
    """Removes what is from `start` to `end`, in braces; another member begins at `after`."""
    behind = re.compile(r"\s*,[ \t]*(#[^\r\n]*)?(\r?\n)").match(text, end, after)
    if behind:  # the other one is on another line, which stays as it is, with the comments above it
        first = text.rfind("\n", 0, start) + 1
        if not text[first:start].strip():
            return text[:first] + text[behind.end() :]
        if "#" in text[behind.end() : after]:
            return text[:start] + text[behind.start(2) :]
    return text[:start] + text[after:]


def _in_braces(node: Node) -> bool:
    """Whether a map or a list is in the flow style."""
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def _end(node: Node) -> int:
    """Where the text of a value ends. ruamel's own mark of a block is where the next token begins."""
    if isinstance(node, MappingNode) and node.value and not _in_braces(node):
        return max(_end(value) for pair in node.value for value in pair)
    if isinstance(node, SequenceNode) and node.value and not _in_braces(node):
        return max(_end(each) for each in node.value)
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """The start of the line after a value; a literal block ends there already."""
    if index and text[index - 1] == "\n":
        return index
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _with_comments(text: str, index: int, column: int) -> int:
    """Where the comments end that follow an entry and are deeper than its key: they belong to it."""
    found = re.compile(rf"(?:[ \t]*\r?\n)*(?: {{{column + 1},}}#[^\n]*(?:\n|$))")
    while match := found.match(text, index):
        index = match.end()
    return index
