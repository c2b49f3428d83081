"""Keys of another installer that this program knows: those that it takes, and those that a site has not, with why."""

from collections.abc import Mapping
from typing import Any

from ops.importing.draft import Draft
from ops.importing.place import nearest
from ops.importing.yaml_file import YamlFile

Table = Mapping[str, str]
"""Key → why the site has it not; "" for one that is taken."""


def go_through(draft: Draft, file: YamlFile, key: tuple[str | int, ...], table: Table, of: str) -> None:
    """Notes each key below `key` that is left out, and a fault for each that `of` has not."""
    for name, value in below(file, key).items():
        place = file.place(*key, name)
        if name not in table:
            near = nearest(name, table)
            hint = f"Did you mean {near}?" if near else f"There are: {', '.join(sorted(table))}."
            draft.fault(place, f"{of} has no such key. {hint}")
        elif table[name] and not is_nothing(value):
            draft.leave(place, table[name])


def below(file: YamlFile, key: tuple[str | int, ...]) -> dict[str, Any]:
    """The map at a key; an empty one where there is none."""
    value: Any = file.data
    for part in key:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return {}
    return value if isinstance(value, dict) else {}


def is_nothing(value: object) -> bool:
    """Whether a value switches nothing on."""
    if isinstance(value, dict):
        return all(map(is_nothing, value.values()))
    return value is None or value is False or value in ("", [])
