"""Values of a chart: those that typed keys of the site decide, over those that the site leaves open. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from components.problem import Problem

Values = Mapping[str, Any]
Path = tuple[str, ...]

_NONE: Mapping[str, str] = {}
_OURS = "is what other keys of this entry decide. Take it away here."


class Source(NamedTuple):
    """Where a chart is, and its exact version."""

    chart: str
    version: str
    repository: str | None


def source(chart: str, version: str, repository: str) -> Source:
    """Helm looks for a chart's name in the repository; a path or an oci:// address says itself where the chart is."""
    return Source(chart, version, None if "/" in chart else repository)


def merged(theirs: Values, ours: Values) -> dict[str, Any]:
    """Ours over theirs, map by map."""
    found = dict(theirs)
    for key, value in ours.items():
        below = found.get(key)
        found[key] = merged(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return found


def leaves(values: Values, above: Path = ()) -> Iterator[Path]:
    """The keys of values that are no maps, or empty ones, each with those above it."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, str(key)))
        else:
            yield (*above, str(key))


def decided(theirs: Values, ours: Values, by: Mapping[str, str] = _NONE) -> Iterator[Problem]:
    """A problem for each open value that is one of ours. `by`: dotted beginning of a value → the site's key of it."""
    mine = set(leaves(ours))
    for path in leaves(theirs):
        if any(path[: len(own)] == own[: len(path)] for own in mine):
            dotted = ".".join(path)
            keys = [key for begin, key in by.items() if f"{dotted}.".startswith(f"{begin}.")]
            text = f"is set by {keys[0]}. Write that, and take this away." if keys else _OURS
            yield Problem(("values", *path), text)


def mirrored(images: Mapping[str, str], registry: str) -> dict[str, Any]:
    """Values that take each image from another registry, at the same path. `images`: dotted key → upstream's value."""
    found: dict[str, Any] = {}
    for key, image in images.items():
        value: Any = f"{registry}/{image.partition('/')[2]}"
        for part in reversed(key.split(".")):
            value = {part: value}
        found = merged(found, value)
    return found


def known(text: str) -> set[Path]:
    """The keys in a list of a chart's keys: one dotted key a line, `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {tuple(line.split(".")) for line in lines if line}


def unknown(values: Values, keys: set[Path]) -> list[str]:
    """Our values whose key is not in the list, nor below a key that is in it."""
    paths = leaves(values)
    return sorted(".".join(path) for path in paths if not any(path[:size] in keys for size in range(1, len(path) + 1)))
