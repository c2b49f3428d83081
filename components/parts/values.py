"""Values of a chart: those that the project decides, and a site's own around them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.problem import Key, Problem


def united(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Both; of a value in both, ours, which `clashes` reports."""
    found = dict(theirs)
    for name, value in ours.items():
        other = found.get(name)
        both = isinstance(value, Mapping) and isinstance(other, Mapping)
        found[name] = united(value, other) if both and other is not None else value
    return found


def leaves(values: Mapping[str, Any], key: Key = ()) -> Iterator[Key]:
    """The key of each value that is no map."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*key, name))
        else:
            yield (*key, name)


def clashes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Problem]:
    """A problem for each value of `values` that another key of the entry decides."""
    decided = set(leaves(ours))
    for key in leaves(theirs):
        if any(key[: len(each)] == each or each[: len(key)] == key for each in decided):
            yield Problem(("values", *key), "is what other keys of this entry decide. Take it away here.")
