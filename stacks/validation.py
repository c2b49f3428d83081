"""Validates data with a model: gives the object, or a problem for every key that does not fit.

Rows: X1.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.problem import Key, Problem
from stacks.messages import key_of, known_keys, likely, nested, words

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M], data: dict[str, Any], folder: Path, number: Callable[[Key], str]
) -> tuple[M | None, list[Problem]]:
    """The model's object (none if a value does not fit) and the problems.

    `number` gives a number as the file writes it. An unknown key is reported and then left out, so that the cross
    checks can report the rest in the same run.
    """
    try:
        return model.model_validate(data, context={"folder": folder}), []
    except ValidationError as failure:
        errors = failure.errors(include_url=False, include_input=False)
    by_key: dict[Key, list[ErrorDetails]] = {}
    for error in errors:
        key = key_of(error, data)
        if not _follows(error, nested(data, key)):
            by_key.setdefault(key, []).append(error)
    unknown = [key for key, found in by_key.items() if found[0]["type"] == "extra_forbidden"]
    meant = {(*key[:-1], likely(str(key[-1]), _known(model, key))) for key in unknown}
    problems = [
        Problem(key, _said(model, found, key, nested(data, key), number(key)))
        for key, found in by_key.items()
        if key not in meant or found[0]["type"] != "missing"
    ]
    for key in unknown:
        nested(data, key[:-1]).pop(key[-1], None)  # maps are shared by hosts that inherit them
    rest = validate(model, data, folder, number)[0] if len(unknown) == len(by_key) else None
    return rest, problems


def _said(model: type[BaseModel], errors: list[ErrorDetails], key: Key, value: object, number: str) -> str:
    of_a_host = errors[0]["type"] == "extra_forbidden" and key[0] in ("groups", "hosts") and len(key) == 3
    if of_a_host and key[-1] in known_keys(model, ()) - {"name"}:
        return "is a key of the whole site. Write it at top level."
    return words(errors, key, value, number, _known(model, key), known_keys(model, key))


def _follows(error: ErrorDetails, value: object) -> bool:
    """True if another error causes this one: a host without a valid key has no name, an invalid item does not count."""
    if error["type"] == "too_short" and isinstance(value, list):
        return len(value) >= int(error["ctx"]["min_length"])
    return error["loc"][0] == "hosts" and error["loc"][2:] == ("name",)


def _known(model: type[BaseModel], key: Key) -> set[str]:
    return known_keys(model, key[:-1]) - {"name"}
