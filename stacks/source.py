"""A site file as plain data, with the line of every key.

Reading at the level of YAML nodes keeps what a plain load loses: doubled keys, tags, and how a number was written.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from components.problem import Key
from stacks.around import SITE, is_secret, means_site, outside
from stacks.faults import Fault, Mark, NoSiteError, SiteError
from stacks.reading import VALUES, compose

_OTHERWISE = re.compile(
    r"(?P<a_date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?)"
    r"|(?P<a_number>[-+]?0[xXbBoO][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_.]*)"
    r"|(?P<not_a_finite_number>[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))"
)
"""Plain words that Pulumi's YAML (go-yaml v3, resolve.go) reads as something else than a word or a decimal number."""


@dataclass
class Source:
    """A file as it was read: the site object, the mark of each of its keys, and what is wrong with the text itself."""

    data: dict[str, Any]
    marks: dict[Key, Mark]
    faults: list[Fault] = field(default_factory=list)


def read_stack(path: Path, draft: str | None = None) -> Source:
    """The site object of a Pulumi stack file. Raises SiteError if there is none, NoSiteError if there is no file.

    `draft` is a text that is to replace the file's: it is read instead.
    """
    if not path.is_file():
        fix = f"Fix: sitectl init {path.stem.removeprefix('Pulumi.')} HOST=ADDRESS …"
        raise NoSiteError([Fault(Mark(path.name, None), (), f"no such file in {path.parent.absolute()}. {fix}")])
    reader = _Reader(path.name)
    top = reader.pairs(compose(path, path.name, draft), ())
    config = reader.pairs(top["config"][1], ("config",)) if "config" in top else {}
    for wrong in outside(top, config):
        reader.fault(*wrong)
    if SITE not in config:
        key, line = (("config", SITE), top["config"][0].start_mark.line + 1) if "config" in top else (("config",), 1)
        if not any(map(means_site, config)):
            text = f"is missing. The site belongs at config.{SITE}."
            reader.faults.append(Fault(Mark(path.name, line), key, text))
        raise SiteError(reader.faults)
    return reader.source(config[SITE][1])


def secrets_of(path: Path) -> set[str] | None:
    """Names of the secrets that a stack file has values for; None where an `environment` may bring more."""
    reader = _Reader(path.name)
    top = reader.pairs(compose(path, path.name), ())
    if "environment" in top:
        return None
    config = reader.pairs(top["config"][1], ("config",)) if "config" in top else {}
    return {name.partition(":")[2] for name in config if name.startswith("gpu-metal:") and name != SITE}


def read_plain(path: Path, label: str, draft: str | None = None) -> Source:
    """A plain YAML file of the shape of a site object; `draft` as in read_stack. Raises SiteError."""
    reader = _Reader(label)
    return reader.source(compose(path, label, draft))


def from_object(data: dict[str, Any], label: str) -> Source:
    """A site object that came without its file: marks name the label only."""
    mark = Mark(label, None)
    return Source(data, dict.fromkeys(_keys(data, ()), mark))


def same(written: object, got: object) -> bool:
    """Whether `got` is what Pulumi makes of `written`: it turns 1.30 into "1.3" or 1.3 and opens secrets."""
    if isinstance(written, dict):
        if set(written) == {"secure"}:
            return True
        return isinstance(got, dict) and written.keys() == got.keys() and all(same(written[k], got[k]) for k in got)
    if isinstance(written, list):
        return isinstance(got, list) and len(written) == len(got) and all(map(same, written, got))
    if isinstance(written, bool) or not isinstance(written, int | float):
        return (written, got) == (None, "") or bool(written == got)
    try:
        return isinstance(got, int | float | str) and float(written) == float(got)
    except ValueError:
        return False


def join(site: Source, other: Source) -> None:
    """Unite `other`, an included file, with `site`. Maps are united; a value in both is a fault: neither overrides."""
    _join(site, site.data, other, other.data, ())
    site.marks.update({key: mark for key, mark in other.marks.items() if key not in site.marks})
    site.faults.extend(other.faults)


def _join(site: Source, ours: dict[str, Any], other: Source, theirs: dict[str, Any], key: Key) -> None:
    for name, value in theirs.items():
        child = (*key, name)
        if name not in ours:
            ours[name] = value
        elif isinstance(value, dict) and isinstance(ours[name], dict):
            _join(site, ours[name], other, value, child)
        else:
            first = site.marks[child]
            place = first.file if first.line is None else f"{first.file}:{first.line}"
            site.faults.append(Fault(other.marks[child], child, f"is also in {place}. Keep one."))


def _keys(data: object, key: Key) -> Iterator[Key]:
    yield key
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _keys(value, (*key, name))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _keys(value, (*key, index))


def _is_empty(node: Node) -> bool:
    """Nothing is written, not even `null`."""
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null" and not node.value


def _reads_otherwise(key: ScalarNode) -> bool:
    """Whether Pulumi's name for a key is another one: it takes 010 for 8. A plain number keeps its name."""
    kind = (key.tag or "").rpartition(":")[2]
    return (
        not key.style and kind in ("int", "float", "null", "timestamp") and not re.fullmatch("0|[1-9][0-9]*", key.value)
    )


class _Reader:
    """Turns the nodes of one file into data, marks and faults."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Key, Mark] = {}
        self.faults: list[Fault] = []
        self._read = 0
        self._merging: list[Node] = []

    def source(self, node: Node) -> Source:
        """The node as a Source. Raises SiteError if it is not a map."""
        self.marks[()] = Mark(self.file, node.start_mark.line + 1)
        data = self.value(node, ())
        if not isinstance(data, dict):
            empty = " What belongs to it stands below it, two blanks deeper." if _is_empty(node) else ""
            raise SiteError([*self.faults, Fault(self.marks[()], (), f"the site is not a map of keys.{empty}")])
        return Source(data, self.marks, self.faults)

    def fault(self, key: Key, node: Node, text: str) -> None:
        self.faults.append(Fault(Mark(self.file, node.start_mark.line + 1), key, text))

    def pairs(self, node: Node, key: Key) -> Mapping[str, tuple[Node, Node]]:
        """The entries of a map by name; `<<` adds those that the map itself lacks."""
        self._count(node)
        found: dict[str, tuple[Node, Node]] = {}
        inherited: dict[str, tuple[Node, Node]] = {}
        for key_node, value_node in node.value if isinstance(node, MappingNode) else ():
            name = key_node.value
            if key_node.tag == "tag:yaml.org,2002:merge":
                for part in value_node.value if isinstance(value_node, SequenceNode) else [value_node]:
                    inherited = {**self._merged(part, key), **inherited}
            elif not isinstance(key_node, ScalarNode):
                self.fault(key, key_node, "has a map or a list as a key. Keys are words.")
            elif name in found:
                first = found[name][0].start_mark.line + 1
                self.fault((*key, name), key_node, f"is written twice, first in line {first}. Keep one.")
            else:
                found[name] = key_node, value_node
                if _reads_otherwise(key_node):
                    self.fault((*key, name), key_node, f'this key is no text to Pulumi. Quote it: "{name}".')
        return {**inherited, **found}

    def _merged(self, node: Node, key: Key) -> Mapping[str, tuple[Node, Node]]:
        if any(node is each for each in self._merging):
            self.fault(key, node, "has a << that names the map itself. Take it away.")
            return {}
        if not isinstance(node, MappingNode):
            self.fault(key, node, "has a << with something else than a map, which Pulumi refuses. Write <<: *NAME.")
            return {}
        self._merging.append(node)
        found = self.pairs(node, key)
        self._merging.pop()
        return found

    def _count(self, node: Node) -> None:
        """Raises SiteError when anchors inside anchors make a short file a huge one."""
        self._read += 1
        if self._read > VALUES:
            text = f"has more than {VALUES:,} values: its anchors (&name) repeat each other."
            mark = Mark(self.file, node.start_mark.line + 1)
            raise SiteError([Fault(mark, (), f"{text} Fix: write the site without them.")])

    def value(self, node: Node, key: Key) -> object:
        self._count(node)
        if len(key) > 30:
            self.fault(key[:2], node, "is nested too deep (an anchor inside itself?).")
            return None
        tag = node.tag or ""
        if tag.startswith("!"):
            hint = f"Write include: [{node.value}] under {SITE}." if tag == "!include" else "Take the tag away."
            self.fault(key, node, f"Pulumi does not read {tag}. {hint}")
            return node.value if isinstance(node, ScalarNode) else None  # Pulumi reads it so
        if isinstance(node, MappingNode):
            return self.mapping(node, key)
        if isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                self.marks[(*key, index)] = self.mark(item, item)
            return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]
        return self.scalar(node, key)

    def mapping(self, node: MappingNode, key: Key) -> dict[str, object]:
        if is_secret(node):
            fix = "Fix: pulumi config set --secret NAME"
            self.fault(key, node, f"is a secret inside the site, which holds names of secrets only. {fix}")
            return {"secure": ""}
        data: dict[str, object] = {}
        beside = {id(value): after for (_, value), (after, _) in pairwise(node.value)}
        for name, (key_node, value_node) in self.pairs(node, key).items():
            self.marks[(*key, name)] = self.mark(key_node, value_node)
            data[name] = self.value(value_node, (*key, name))
            if _is_empty(value_node) and (after := beside.get(id(value_node))):
                line = after.start_mark.line + 1
                fix = f"Fix: a value; or two blanks more from line {line} on, if that belongs to it."
                self.fault((*key, name), key_node, f"is empty, and line {line}, {after.value}, stands beside it. {fix}")
        return data

    def mark(self, key_node: Node, value_node: Node) -> Mark:
        number = value_node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        return Mark(self.file, key_node.start_mark.line + 1, value_node.value if number else "")

    def scalar(self, node: Node, key: Key) -> str | int | float | bool | None:
        text = str(node.value)
        kind = (node.tag or "").rpartition(":")[2]
        if isinstance(node, ScalarNode) and not node.style and (otherwise := _OTHERWISE.fullmatch(text)):
            means = str(otherwise.lastgroup).replace("_", " ")
            self.fault(key, node, f'{text} is {means} to Pulumi. Quote it: "{text}".')
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        try:
            return int(text, 0) if kind == "int" else float(text) if kind == "float" else text
        except ValueError:
            if kind == "int":
                fix = f'Write it without the leading 0, or quote it: "{text}".'
                self.fault(key, node, f"{text} is octal to Pulumi. {fix}")
            return text
