"""Compares an object of the cluster with its inputs, only in the fields that we set. Pure.

Rows: X22.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Json = Any
"""A value as the API server's JSON has it."""
STRICT = frozenset({"NetworkPolicy", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
"""Kinds in which additions count too: a peer or a verb that somebody added opens what we closed."""
_DEFAULTED = frozenset({"protocol", "apiGroup"})
"""Fields that the API server fills in there."""
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d*)?)(m|k|[KMGTPE]i?|)")
_SCALES = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(1000)} | {
    f"{letter}{i}": Decimal((1024 if i else 1000) ** power)
    for power, letter in enumerate("KMGTPE", 1)
    for i in ("", "i")
}
ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """One field: its path, what was seen there and what was wanted."""

    path: tuple[str | int, ...]
    saw: Json
    want: Json

    @property
    def extra(self) -> bool:
        """True for something that is there and that we did not set."""
        return self.want is None

    @property
    def field(self) -> str:
        """The path as people write it: `spec.hard.pods`, `subjects[0].name`."""
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path).lstrip(".")


def differences(inputs: Mapping[str, Any], live: Mapping[str, Any]) -> list[Difference]:
    """The differences of an existing object. Quantities are compared by value; empty equals absent."""
    want = {key: value for key, value in inputs.items() if key not in {"apiVersion", "kind", "status", "stringData"}}
    if text := inputs.get("stringData"):
        data = {key: b64encode(str(value).encode()).decode() for key, value in text.items()}
        want["data"] = {**(want.get("data") or {}), **data}
    metadata = want.pop("metadata", None) or {}
    ours = {key: _own(metadata.get(key)) for key in ("labels", "annotations")}
    strict = inputs.get("kind") in STRICT
    found = [each for key, value in want.items() for each in _differ(value, live.get(key), (key,), strict)]
    return [*_differ(ours, live.get("metadata"), ("metadata",), strict=False), *found]


def shown(value: Json) -> str:
    """A value in a message: short, on one line."""
    if value is None:
        return ABSENT
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= 160 else f"{text[:160]}…"


def _own(of: Mapping[str, Any] | None) -> dict[str, Any]:
    """Without the plugin's own labels and annotations."""
    return {key: value for key, value in (of or {}).items() if not key.startswith("pulumi.com/")}


def _differ(want: Json, live: Json, path: tuple[str | int, ...], strict: bool) -> Iterator[Difference]:
    if want in (None, "", [], {}) and live in (None, "", [], {}):
        return
    if isinstance(want, Mapping) and (live is None or isinstance(live, Mapping)):
        there = live or {}
        for key, value in want.items():
            yield from _differ(value, there.get(key), (*path, key), strict)
        for key in (there.keys() - want.keys() - _DEFAULTED) if strict else ():
            yield Difference((*path, key), there[key], None)
    elif _is_list(want) and _is_list(live) and len(want) == len(live):
        for index, pair in enumerate(zip(want, live, strict=True)):
            yield from _differ(*pair, (*path, index), strict)
    elif want != live and not _equal(want, live):
        yield Difference(path, live, want)


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _equal(want: Json, live: Json) -> bool:
    """`8` and `8000m`, `1` and 1."""
    if isinstance(want, bool) or isinstance(live, bool):
        return False
    seen = [_QUANTITY.fullmatch(str(value)) for value in (want, live) if isinstance(value, str | int | float)]
    if len(seen) < 2 or None in seen:
        return False
    values = [Decimal(match[1]) * _SCALES[match[2]] for match in seen if match]
    return values[0] == values[1]
