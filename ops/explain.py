"""`sitectl explain KEY`: what a key of the site file means, from the same schema that editors use."""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ops.stop import Code, Stop

Schema = dict[str, Any]

_ROWS = re.compile(r" \([A-Z]\d+(, [A-Z]\d+)*\)")
"""Row ids of our requirements: of no use to an operator."""
_PLACE = re.compile(r"\[\d*\]")


def explain(schema: Schema, key: str) -> list[list[str]]:
    """Rows KEY, TYPE, DEFAULT, MEANING: the key's own, then those below it. Raises Stop if there is no such key.

    Names in a map may be left out: hosts.gpu is the same key as hosts.gpu-1.gpu. Places in a list, too, which messages
    and docs/sites.md have: platforms[].personal.
    """
    models = schema["$defs"]
    node, path = _opened({"$ref": "#/$defs/Site"}, models), ""
    for part in [part for part in _PLACE.sub("", key).split(".") if part]:
        below = _below(node, models)
        if part in below:
            node = below[part]
            path = f"{path}.{part}".lstrip(".")
        elif not any("items" not in shape and members(shape) for shape in _shapes(node, models)):
            lacking = f"{key}: there is no {part}{f' in {path}' if path else ''}."
            raise Stop(Code.WRONG, [f"{lacking} {_hint(part, below, models)}"])
    own = [[path, *_row(node, models)]] if path else []
    return own + [[f"{path}.{name}".lstrip("."), *_row(one, models)] for name, one in _below(node, models).items()]


def _hint(name: str, below: Schema, models: Schema) -> str:
    """Where a key of this name is, else what the nearest name is called, else all names."""
    places = sorted(_places(name, {"$ref": "#/$defs/Site"}, models, ()), key=lambda place: (place.count("."), place))
    if places:
        more = f", and {len(places) - 3} more" if len(places) > 3 else ""
        return f"Did you mean {' or '.join(places[:3])}{more}?"
    near = get_close_matches(name, below, 1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(below))}."


def _places(name: str, node: Schema, models: Schema, path: tuple[str, ...]) -> Iterator[str]:
    """Every key of the site with this name, with the keys above it. The schema's models contain none of themselves."""
    for key, one in _below(node, models).items():
        if key == name:
            yield ".".join([*path, key])
        yield from _places(name, one, models, (*path, key))


def _below(node: Schema, models: Schema) -> Schema:
    """The keys below a schema node; for a map or a list, those of its values."""
    found: Schema = {}
    for shape in _shapes(node, models):
        for one in members(shape):
            found |= _below(one, models)
        for name, one in shape.get("properties", {}).items():
            # alternatives share a key: what the first of them says of it
            both = (
                {"anyOf": [found[name], one], "description": found[name].get("description")} if name in found else one
            )
            found[name] = both
    return found


def plain(text: str) -> str:
    """A docstring as an operator reads it, in one line."""
    return _ROWS.sub("", " ".join(text.split()))


def members(shape: Mapping[str, Any]) -> list[Schema]:
    """The schema of a map's values or a list's items."""
    found = [*shape.get("patternProperties", {}).values(), shape.get("additionalProperties"), shape.get("items")]
    found += shape.get("prefixItems", ())
    return [one for one in found if isinstance(one, dict)]


def _shapes(node: Schema, models: Schema) -> list[Schema]:
    """The node itself, or the alternatives of a union."""
    opened = _opened(node, models)
    choices = opened.get("anyOf") or opened.get("oneOf")
    return [shape for choice in choices for shape in _shapes(choice, models)] if choices else [opened]


def _opened(node: Schema, models: Schema) -> Schema:
    """Follows a reference; keys beside it override those of its target."""
    if "$ref" not in node:
        return node
    return {**models[node["$ref"].rpartition("/")[2]], **{key: node[key] for key in node if key != "$ref"}}


def _row(node: Schema, models: Schema) -> list[str]:
    default = node.get("default")
    shown = default not in (None, {}, []) and not isinstance(default, dict)
    texts = [_opened(node, models).get("description"), *(shape.get("description") for shape in _shapes(node, models))]
    meaning = plain(next((text for text in texts if text), "-"))
    return [_kinds(node, models), json.dumps(default) if shown else "-", meaning]


def _kinds(node: Schema, models: Schema) -> str:
    kinds = dict.fromkeys(_kind(shape, models) for shape in _shapes(node, models))
    return " or ".join(kind for kind in kinds if kind != "null")


def _kind(shape: Schema, models: Schema) -> str:
    if "const" in shape or "enum" in shape:
        return ", ".join(map(str, shape.get("enum") or [shape["const"]]))
    if shape.get("type") == "array":
        return f"list of {_kinds(members(shape)[0], models)}"
    if "properties" not in shape and members(shape):
        return f"map of {_kinds(members(shape)[0], models)}"
    return "map" if shape.get("type") == "object" else str(shape.get("type", "any"))
