"""Names of values that we set in charts, compared with values.yaml of an upstream chart.

`python -m tests.chart_values VALUES_FILE NAME…` prints those of the names (a.b.c) that the file does not have.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from ruamel.yaml import YAML

from tests.samples import ROOT

UPSTREAM = ROOT.parent / "shared" / "upstream"
"""Upstream charts' values files; they are not a part of this repository."""


def lacking(file: Path, names: Iterable[str]) -> list[str]:
    """The names that a chart's values file does not have, not even as an empty map that takes any."""
    values = YAML(typ="safe").load(file)
    return sorted(name for name in names if not _has(values, name.split(".")))


def _has(values: object, key: list[str]) -> bool:
    if not key or values == {}:
        return True
    return isinstance(values, dict) and key[0] in values and _has(values[key[0]], key[1:])


if __name__ == "__main__":
    print("\n".join(lacking(Path(sys.argv[1]), sys.argv[2:])))  # noqa: T201 - it is the program's answer
