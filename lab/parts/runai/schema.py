"""values.schema.json of a chart from its values.keys: a key, its type, and the major versions that have it, on a line.

A type is one of JSON's; `object` may have any keys, and `!` behind it says that the key is required. `/a|b/` is an
enumeration. Keys that are not listed are refused.
"""

import json
from pathlib import Path
from typing import Any

Node = dict[str, Any]


def made(keys: Path, version: str) -> str:
    """The schema for one version."""
    top: Node = _closed()
    for line in keys.read_text().splitlines():
        words = line.split("#")[0].split()
        if words and _has(version, words[2:]):
            _put(top, words[0].split("."), words[1])
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **top}, indent=1) + "\n"


def _has(version: str, majors: list[str]) -> bool:
    return not majors or any(version.startswith(f"{major}.") for major in majors)


def _closed() -> Node:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _put(node: Node, path: list[str], kind: str) -> None:
    for name in path[:-1]:
        node = node["properties"].setdefault(name, _closed())
    if kind.endswith("!"):
        node.setdefault("required", []).append(path[-1])
    kind = kind.removesuffix("!")
    leaf: Node = {"enum": kind.strip("/").split("|")} if kind.startswith("/") else {"type": kind}
    if kind == "string":
        leaf = {"type": ["string", "null"]}
    node["properties"][path[-1]] = leaf
