"""Validates data with a model: gives the object, or a problem for every key that does not fit.

Rows: X1.
"""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.problem import Key, Problem
from stacks.messages import key_of, known_keys, known_kinds, likely, nested, words

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M], data: dict[str, Any], folder: Path, number: Callable[[Key], str]
) -> tuple[M | None, list[Problem], set[Key]]:
    """The model's object (none if too much is wrong), the problems, and the keys that the object lacks because of them.

    `number` gives a number as the file writes it. What is wrong is reported and then left out, so that the cross checks
    can report the rest in the same run.
    """
    try:
        return model.model_validate(data, context={"folder": folder}), [], set()
    except ValidationError as failure:
        by_key = _by_key(failure, data)
    unknown = [key for key, found in by_key.items() if found[0]["type"] == "extra_forbidden"]
    meant = {(*key[:-1], likely(str(key[-1]), _known(model, key))) for key in unknown}
    problems = [
        Problem(key, _said(model, found, key, nested(data, key), number(key)))
        for key, found in by_key.items()
        if key not in meant or found[0]["type"] != "missing"
    ]
    rest, left_out = _rest(model, deepcopy(data), folder, list(by_key))
    return rest, problems, left_out - set(unknown)


def _by_key(failure: ValidationError, data: dict[str, Any]) -> dict[Key, list[ErrorDetails]]:
    found: dict[Key, list[ErrorDetails]] = {}
    for error in failure.errors(include_url=False, include_input=False):
        key = key_of(error, data)
        if not _follows(error, nested(data, key)):
            found.setdefault(key, []).append(error)
    return found


def _rest(model: type[M], data: dict[str, Any], folder: Path, wrong: list[Key]) -> tuple[M | None, set[Key]]:
    """The object without the keys that are wrong; where it cannot be without one, without the entry around it."""
    left_out: set[Key] = set()
    for length in (None, 2, 1):
        for key in wrong:
            gone = _entry(key)[:length]
            left_out.add(gone)
            above = nested(data, gone[:-1])
            if isinstance(above, dict):
                above.pop(gone[-1], None)
        try:
            return model.model_validate(data, context={"folder": folder}), left_out
        except ValidationError as failure:
            wrong = list(_by_key(failure, data))
    return None, left_out


def _entry(key: Key) -> Key:
    """The key up to the first list in it: an item cannot be left out without moving the others."""
    return key[: next((at for at, part in enumerate(key) if isinstance(part, int)), len(key))]


def _said(model: type[BaseModel], errors: list[ErrorDetails], key: Key, value: object, number: str) -> str:
    if errors[0]["type"] == "extra_forbidden" and (key[0], key[-1]) == ("hosts", "groups"):
        one = value if isinstance(value, str) else next(iter(value), "NAME") if isinstance(value, list) else "NAME"
        return f"a host has one group. Write group: {one} in its place."
    of_a_host = errors[0]["type"] == "extra_forbidden" and key[0] in ("groups", "hosts") and len(key) == 3
    if of_a_host and key[-1] in known_keys(model, ()) - {"name"}:
        return "is a key of the whole site. Write it at top level."
    known, below, kinds = _known(model, key), known_keys(model, key), known_kinds(model, key)
    return words(errors, key, value, number, known=known, below=below, kinds=kinds)


def _follows(error: ErrorDetails, value: object) -> bool:
    """True if another error causes this one: a host without a valid key has no name, an invalid item does not count."""
    if error["type"] == "too_short" and isinstance(value, list):
        return len(value) >= int(error["ctx"]["min_length"])
    return error["loc"][0] == "hosts" and error["loc"][2:] == ("name",)


def _known(model: type[BaseModel], key: Key) -> set[str]:
    return known_keys(model, key[:-1]) - {"name"}
