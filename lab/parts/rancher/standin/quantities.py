"""Quotas: quantities as Kubernetes writes them, and limits as Rancher's objects have them."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal

from lab.kube import Body
from lab.parts.rancher.standin.kinds import LIMIT_KEYS

Limit = dict[str, str]
"""By the names that a ResourceQuota has."""

_UNITS = {"": Decimal(1), "m": Decimal("0.001")}
_UNITS |= {letter: Decimal(1000**power) for power, letter in enumerate("kMGTPE", start=1)}
_UNITS |= {f"{letter}i": Decimal(1024**power) for power, letter in enumerate("KMGTPE", start=1)}


def quantity(text: str) -> Decimal:
    """The number. Raises ValueError for what is not a quantity."""
    found = re.fullmatch(r"([+-]?[0-9.]+)([mkMGTPE]|[KMGTPE]i|)", text)
    if not found:
        raise ValueError(f"quantities must match the regular expression, not {text!r}")
    return Decimal(found[1]) * _UNITS[found[2]]


def hard(limit: Body) -> Limit:
    """The limit of an object, by the names that a ResourceQuota has."""
    named = {name: str(limit[key]) for key, name in LIMIT_KEYS.items() if key in limit}
    return named | {key: str(value) for key, value in limit.get("extended", {}).items()}


def limit_of(named: Limit) -> Body:
    """The reverse of `hard`."""
    keys = {name: key for key, name in LIMIT_KEYS.items()}
    known: Body = {keys[name]: value for name, value in named.items() if name in keys}
    extended = {name: value for name, value in named.items() if name not in keys}
    return known | ({"extended": extended} if extended else {})


def total(limits: Iterable[Limit]) -> Limit:
    """The sum, key by key."""
    found: dict[str, Decimal] = {}
    for limit in limits:
        for key, value in limit.items():
            found[key] = found.get(key, Decimal(0)) + quantity(value)
    return {key: _written(value) for key, value in found.items()}


def _written(value: Decimal) -> str:
    """The shortest exact quantity: whole numbers by the greatest power of 1024, others in thousandths."""
    if value != value.to_integral_value():
        return f"{int(value * 1000)}m"
    number, unit = int(value), ""
    for power in "KMGTPE":
        if not number or number % 1024:
            break
        number, unit = number // 1024, f"{power}i"
    return f"{number}{unit}"


def exceeded(wanted: Limit, most: Limit) -> Limit:
    """What of `wanted` is above `most`; a key that `most` has not is not limited."""
    return {key: value for key, value in wanted.items() if key in most and quantity(value) > quantity(most[key])}


def shown(limit: Limit) -> str:
    """As Rancher's messages have it."""
    return ",".join(f"{key}={value}" for key, value in sorted(limit.items()))


def annotated(text: str | None) -> Limit | None:
    """The limit in a namespace's annotation; None if there is none that can be read."""
    try:
        return hard(json.loads(text)["limit"]) if text else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def plain(value: object) -> object:
    """The value with numbers for quantities: an API server writes 1000m as 1."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    try:
        return quantity(value) if isinstance(value, str) else value
    except ValueError:
        return value
