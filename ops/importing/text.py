"""The text of a site file that comes from another installer's files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ops.importing.draft import Draft
from stacks.yaml_words import word

WIDTH = 120
ORDER = (
    *("domain", "ssh", "os", "timeServers", "dns", "proxy", "socks", "groups", "hosts"),
    *("engine", "kubernetes", "network", "storage"),
)
HEAD = """\
# yaml-language-server: $schema=./site.schema.json
# Imported on {day} from {files}; yours from here on. sitectl explain KEY: what a key means.
config:
  gpu-metal:site:
"""


def site_text(draft: Draft, files: Sequence[str]) -> str:
    """The whole file, and at its foot, as comments, what the site has not, with the reason."""
    lines = [f"    id: {json.dumps(uuid4().hex[:12])}  # the hosts keep it: never change it"]
    lines += _block({key: draft.site[key] for key in sorted(draft.site, key=_place)}, 4)
    if left := draft.left():
        lines += ["    # What this site has not of those files, and why:"]
        lines += [f"    # {one.where} {', '.join(one.variables)}: {one.reason}" for one in left]
    return HEAD.format(day=datetime.now(UTC).date(), files=", ".join(files)) + "\n".join(lines) + "\n"


def _place(key: str) -> int:
    return ORDER.index(key) if key in ORDER else len(ORDER)


def _block(data: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key, value in data.items():
        line = f"{' ' * indent}{word(key)}: {word(value)}"
        if isinstance(value, dict) and value and (len(line) > WIDTH or (indent == 4 and key in ("hosts", "groups"))):
            yield f"{' ' * indent}{word(key)}:"
            yield from _block(value, indent + 2)
        else:
            yield line
