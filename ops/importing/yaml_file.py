"""A YAML file of another installer as plain data, with the line of each key.

Read as Ansible reads it (YAML 1.1: yes and no are booleans); what ansible-vault has encrypted stays closed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from components.problem import Key, dotted
from ops.importing.place import Fault, Given, Place, Vault, text_of
from stacks.faults import SiteError
from stacks.reading import VALUES, compose

_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
_NOTHING = re.compile(r"(\s|#.*$|^---|^\.\.\.)*", re.MULTILINE)


@dataclass
class YamlFile:
    """The data of a file, the line of each key, and what is wrong with its text."""

    label: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place(self, *key: str | int) -> Place:
        """Where a key is written; for one that is not there, where the one above it is."""
        known = next((key[:end] for end in range(len(key), 0, -1) if key[:end] in self.lines), ())
        return Place(self.label, self.lines.get(known), dotted(key))

    def given(self, *key: str | int) -> Given | None:
        """The value at a key, None if there is none."""
        value: Any = self.data
        for part in key:
            if not isinstance(value, dict) or part not in value:
                return None
            value = value[part]
        return Given(value, self.place(*key))


def read_yaml(path: Path, label: str) -> YamlFile:
    """The file; empty if it has comments only. What is no YAML, or no map at its top, is its one fault."""
    found = YamlFile(label)
    try:
        if _NOTHING.fullmatch(text_of(path, label, found.faults)):
            return found
        node = compose(path, label)
    except SiteError as error:
        (fault,) = error.faults
        found.faults.append(Fault(Place(label, fault.mark.line, ""), fault.text))
    else:
        found.data = _Reader(found).mapping(node, ())
    return found


class _Reader:
    def __init__(self, found: YamlFile) -> None:
        self.found = found
        self._read = 0

    def value(self, node: Node, key: Key) -> Any:  # noqa: ANN401 - any YAML
        self._read += 1
        if self._read > VALUES or len(key) > 30:
            if not any(fault.text.startswith("is nested") for fault in self.found.faults):
                text = "is nested too deep, or its anchors repeat each other too often. Write it without them."
                self.found.faults.append(Fault(self.found.place(*key), text))
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, key)
        if isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                self.found.lines[(*key, index)] = item.start_mark.line + 1
            return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]
        return _scalar(node)

    def mapping(self, node: MappingNode, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own: dict[str, int] = {}
        for key_node, value_node in self._pairs(node):
            name = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key_node.tag == "tag:yaml.org,2002:merge":
                parts = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
                for part in parts:
                    merged = self.value(part, key)
                    found = {**merged, **found} if isinstance(merged, dict) else found
                continue
            if name in own:
                text = f"is written twice, first in line {own[name]}. Keep one."
                self.found.faults.append(Fault(Place(self.found.label, line, dotted((*key, name))), text))
            own[name] = line
            self.found.lines[(*key, name)] = line
            found[name] = self.value(value_node, (*key, name))
        return found

    def _pairs(self, node: MappingNode) -> Iterator[tuple[Node, Node]]:
        for key_node, value_node in node.value:
            if isinstance(key_node, ScalarNode):
                yield key_node, value_node
            else:
                place = Place(self.found.label, key_node.start_mark.line + 1, "")
                self.found.faults.append(Fault(place, "has a map or a list as a key. Keys are words."))


def _scalar(node: Node) -> str | int | float | bool | Vault | None:
    tag, text = node.tag or "", str(node.value)
    if tag == "!vault" or text.startswith("$ANSIBLE_VAULT;"):
        return Vault()
    kind = tag.rpartition(":")[2]
    plain = isinstance(node, ScalarNode) and not node.style
    if plain and kind in ("bool", "str") and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if kind == "null":
        return None
    try:
        return int(text, 0) if kind == "int" else float(text) if kind == "float" else text
    except ValueError:
        return text
