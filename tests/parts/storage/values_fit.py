"""Compares the values that storage sets with a chart's own values file: which of them does the chart not know?

    python -m tests.parts.storage.values_fit CHART FILE

Does not prove: that the chart's templates do with a value what we mean.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from components.parts.storage.values import KEYS


def unknown(keys: Iterable[str], known: Mapping[str, Any]) -> list[str]:
    """The keys, such as image.tag, that the tree `known` does not have."""
    return [key for key in keys if not _has(key.split("."), known)]


def set_in(tree: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The dotted key of each value in the tree."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from set_in(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _has(key: list[str], known: Any) -> bool:
    if not key:
        return True
    return isinstance(known, Mapping) and key[0] in known and _has(key[1:], known[key[0]])


if __name__ == "__main__":
    chart, file = sys.argv[1:]
    lacking = unknown(KEYS[chart], YAML(typ="safe").load(Path(file)))
    sys.stdout.write("".join(f"{key}\n" for key in lacking) or f"{chart}: all {len(KEYS[chart])} are there\n")
    sys.exit(bool(lacking))
