"""The difference of two property maps as Pulumi's own SDK counts it: paths, each added, deleted or updated."""

import re
from collections.abc import Mapping
from typing import Literal

from lab.plugins.values import Tree

Change = Literal["add", "delete", "update"]
_SIMPLE = re.compile(r"[A-Za-z_$][\w$]*")


def _join(prefix: str, key: str) -> str:
    if not _SIMPLE.fullmatch(key):
        return f'{prefix}["{key}"]'
    return f"{prefix}.{key}" if prefix else key


def changes(old: Tree, new: Tree, path: str = "") -> dict[str, Change]:
    """Property path → what happened to it. A null counts as absent."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: dict[str, Change] = {}
        for key in sorted({*old, *new}):
            found |= changes(old.get(key), new.get(key), _join(path, key))
        return found
    if isinstance(old, list) and isinstance(new, list):
        found = {}
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            found |= changes(before, new[index] if index < len(new) else None, f"{path}[{index}]")
        return found
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return {}
    if old is None:
        return {path: "add"}
    return {path: "delete" if new is None else "update"}


def top(path: str) -> str:
    """The top-level property of a path."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]
