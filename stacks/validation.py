"""Data against a model: the object, or a problem for every key that does not fit.

Rows: X1.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stacks.messages import key_of, known_keys, likely, nested, words
from stacks.source import Key, Problem

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M], data: dict[str, Any], folder: Path, number: Callable[[Key], str]
) -> tuple[M | None, list[Problem]]:
    """The model's object (none if a value does not fit) and the problems.

    `number` gives a number as the file writes it. A key that does not exist is reported and then left out, so that
    whoever reads on (cross checks) can say the rest at once.
    """
    try:
        return model.model_validate(data, context={"folder": folder}), []
    except ValidationError as failure:
        errors = failure.errors(include_url=False, include_input=False)
    by_key: dict[Key, list[ErrorDetails]] = {}
    for error in errors:
        if error["loc"][0] != "hosts" or error["loc"][2:] != ("name",):  # the key that it comes from has this fault too
            by_key.setdefault(key_of(error, data), []).append(error)
    unknown = [key for key, found in by_key.items() if found[0]["type"] == "extra_forbidden"]
    meant = {(*key[:-1], likely(str(key[-1]), _known(model, key))) for key in unknown}
    problems = [
        Problem(key, words(found, key, nested(data, key), number(key), _known(model, key)))
        for key, found in by_key.items()
        if key not in meant or found[0]["type"] != "missing"
    ]
    for key in unknown:
        nested(data, key[:-1]).pop(key[-1], None)  # maps are shared by hosts that inherit them
    rest = validate(model, data, folder, number)[0] if len(unknown) == len(by_key) else None
    return rest, problems


def _known(model: type[BaseModel], key: Key) -> set[str]:
    return known_keys(model, key[:-1]) - {"name"}
