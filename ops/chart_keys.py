"""Compares a part's list of its chart's keys with the values of that chart.

`python3 -m ops.chart_keys PART FILE [ALIAS=FILE …]`. The list, `chart.keys` in the part's folder, has each key that the
part sets, so that tests need no chart; of a part with several charts, PART/CHART names the list CHART.keys. FILE is the
chart's own values.yaml, ALIAS=FILE that of a subchart under its key. Prints each key that the chart does not have, and,
where the part takes images from a mirror, each image that it would miss; exits with 1 if any is.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from components.parts.chart import known, merged

ROOT = Path(__file__).parents[1]
EVERY_IMAGE = ("global", "imageRegistry")
"""A key by which some charts replace the registry of every image that has one as a key of its own."""


def keys(part: str) -> Path:
    """The part's list, of its only chart or of the one named after a slash."""
    name, _, chart = part.partition("/")
    return ROOT / "components" / "parts" / name / f"{chart or 'chart'}.keys"


def listed(part: str) -> set[tuple[str, ...]]:
    """The keys of the list."""
    return known(keys(part).read_text())


def values(files: list[str]) -> dict[str, Any]:
    """The values of a chart, with those of its subcharts under their keys."""
    found: dict[str, Any] = {}
    for word in files:
        alias, _, file = word.rpartition("=")
        read = YAML(typ="safe").load(Path(file))
        # What a chart says of a subchart goes over the subchart's own values.
        found = merged({alias: read}, found) if alias else merged(found, read)
    return found


def lacking(own: set[tuple[str, ...]], of_chart: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a list, one line each."""
    for path in sorted(own):
        if not _has(of_chart, path):
            yield f"{'.'.join(path)}: the chart has no such key"
    mirrors = EVERY_IMAGE in own or any(path[-1] == "repository" for path in own)
    for path, divided in sorted(_repositories(of_chart)) if mirrors else ():
        if path not in own and not (divided and EVERY_IMAGE in own):
            yield f"{'.'.join(path)}: an image that no mirror is set for"


def _has(values: Any, path: tuple[str, ...]) -> bool:  # noqa: ANN401 - any YAML
    """Whether the chart has the key; an empty map takes any."""
    for part in path:
        if values == {}:
            return True
        if not isinstance(values, Mapping) or part not in values:
            return False
        values = values[part]
    return True


def _repositories(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The key of each image's repository, and whether its registry is a key of its own. One that begins with a slash is
    below another key."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _repositories(value, (*above, key))
        elif key == "repository" and value and not str(value).startswith("/"):
            yield (*above, key), "registry" in values


def main(part: str, *files: str) -> int:
    """Prints what is wrong; 1 if anything is."""
    lines = list(lacking(listed(part), values(list(files))))
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
