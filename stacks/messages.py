"""pydantic's errors in the operator's words: no class names, no URLs, never a value that could be a secret."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from components.forms import FORMS
from components.problem import Key

ABSENT = object()
_KINDS: dict[type, str] = {
    dict: "a map",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}
_WANTED = {
    "dict_type": "a map of keys",
    "model_type": "a map of keys",
    "model_attributes_type": "a map of keys",
    "tuple_type": "a list, such as [a, b]",
    "string_type": "a text",
    "path_type": "a path",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of a size that a site needs",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
_MAPS = {"model_type", "model_attributes_type", "union_tag_not_found"}
_TEXTS = {
    "missing": "is missing.",
    "greater_than_equal": "must be at least {ge}.",
    "greater_than": "must be more than {gt:g}.",
    "less_than_equal": "must be at most {le}.",
    "ip_v4_address": "is not an IP address.",
    "ip_v6_address": "is not an IP address.",
    "ip_v4_network": "is not an IPv4 network, such as 10.244.0.0/16, with no bits beyond its prefix.",
    "too_short": "has too few entries: at least {min_length}.",
    "too_long": "has too many entries: {max_length} at most.",
    "union_tag_not_found": "has no kind. Write kind: NAME.",
    "union_tag_invalid": "is not of a known kind: write kind: {tags}.",
}


def likely(word: str, known: Iterable[str]) -> str | None:
    """The known word that was meant: another spelling of it, or the nearest one."""
    known = sorted(known)
    spelled = [name for name in known if _plain(name) == _plain(word)]
    return next(iter(spelled or get_close_matches(word, known, n=1, cutoff=0.65)), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """`Did you mean X?` for the nearest known word, or nothing."""
    name = likely(word, known)
    return f"Did you mean {name}?" if name else ""


def unknown_key(word: str, known: Iterable[str]) -> str:
    """The message about a key that is not allowed, given the known ones."""
    known = sorted(known)
    if word in known:
        return "does not belong to this kind."
    name = likely(word, known)
    if name and _plain(name) == _plain(word):
        return f"is written {name} here."
    return f"no such key. {suggestion(word, known) or 'Known here: ' + ', '.join(known) + '.'}"


def _plain(word: str) -> str:
    return re.sub("[-_]", "", word).lower()


def key_of(error: ErrorDetails, data: object) -> Key:
    """The error's key in the site. pydantic puts the arms of unions between the real keys: they are left out."""
    key: list[str | int] = []
    for index, part in enumerate(error["loc"]):
        inner = nested(data, (part,))
        if inner is not ABSENT:
            data = inner
        elif error["type"] != "missing" or index + 1 < len(error["loc"]):
            continue
        key.append(part)
    return tuple(key)


def nested(data: Any, key: Key) -> Any:  # noqa: ANN401 (a tree of any shape)
    """The value at a key, or ABSENT."""
    for part in key:
        found = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        if not found:
            return ABSENT
        data = data[part]
    return data


def known_keys(model: type[BaseModel], key: Key) -> set[str]:
    """The keys that a map at `key` of the model may have."""
    types: list[object] = [model]
    for part in key:
        types = [inner for kind in types for inner in _inside(kind, part)]
    fields = [item for kind in types for found in _models(kind) for item in found.model_fields.items()]
    return {field.alias or name for name, field in fields}


def known_kinds(model: type[BaseModel], key: Key) -> set[str]:
    """The values of `kind` that a map at `key` of the model may have."""
    types: list[object] = [model]
    for part in key:
        types = [inner for kind in types for inner in _inside(kind, part)]
    fields = [found.model_fields["kind"] for kind in types for found in _models(kind) if "kind" in found.model_fields]
    return {str(value) for field in fields for value in get_args(field.annotation)}


def _inside(kind: object, part: str | int) -> Iterator[object]:
    """The types of the value at `part` of a map, list or model."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from (field.annotation for name, field in kind.model_fields.items() if part == (field.alias or name))
    elif get_origin(kind) in (dict, tuple):
        yield get_args(kind)[0 if get_origin(kind) is tuple else 1]
    else:
        for arm in get_args(kind):
            yield from _inside(arm, part)


def _models(kind: object) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) not in (dict, tuple):
        for arm in get_args(kind):
            yield from _models(arm)


def words(
    errors: list[ErrorDetails],
    key: Key,
    value: object,
    number: str,
    *,
    known: set[str],
    below: set[str],
    kinds: set[str],
) -> str:
    """What is wrong at one key, from all the errors there (a union gives one for each arm).

    `number` is the number as written in the file, `known` the keys allowed in this key's place, `below` those allowed
    under it, `kinds` the values that `kind` may have there.
    """
    error, last = errors[0], str(key[-1])
    if error["type"] == "extra_forbidden":
        return unknown_key(last, known)
    if last.endswith("Secret"):
        said = "is missing: it is" if error["type"] == "missing" else "must be"
        given = "set its value with pulumi config set --secret NAME < FILE"
        return f"{said} the name of a secret, letters and digits; {given}"
    if value is None and error["type"] != "missing":
        return "is empty. Write a value, or take the key away."
    if not isinstance(value, dict | list) and error["type"] in _MAPS:
        return f"{_text({**error, 'type': 'model_type'}, value)} {_within(last, value, below, kinds)}".rstrip()
    return _of_value(errors, key, value, number)


def _of_value(errors: list[ErrorDetails], key: Key, value: object, number: str) -> str:
    error = errors[0]
    kinds = {each["type"] for each in errors}
    if {"ip_v4_address", "value_error"} <= kinds:
        return "is neither an IP address nor a host name (RFC 1123)."
    if {"ip_v4_network", "ip_v6_network"} <= kinds:
        return "is not a network, such as 10.0.0.0/8, with no bits beyond its prefix."
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and error["type"] in ("string_type", "value_error")
    ):
        return _unquoted(error, key, value, number)
    if isinstance(value, bool) and error["type"] == "string_type":
        word = str(value).lower()
        return f'is {word}, not a text. Quote it: {_named(key)}"{word}".'
    return _text(error, value)


def _within(last: str, value: object, below: set[str], kinds: set[str]) -> str:
    """What to write instead, if one word is written where a map of these keys belongs."""
    if kinds and isinstance(value, str) and re.fullmatch("[a-z0-9]+", value):
        meant = likely(value, kinds)
        one = f"{{kind: {meant}}}." if meant else f"{{kind: KIND}}, with one of {', '.join(sorted(kinds))}."
        return f"Write {one}" if last.isdigit() else f"Write {last}: {one}"  # an item of a list has no name
    return f"Known there: {', '.join(sorted(below))}." if 0 < len(below) <= 12 else ""


def _unquoted(error: ErrorDetails, key: Key, value: object, number: str) -> str:
    written = f"{number} " if number else ""
    if error["type"] == "value_error":
        return f"{written}{error['ctx']['error']}"
    said = "is a number" if number == str(value) else f"{written}is read as the number {value}"
    return f'{said}. Quote it: {_named(key)}"{number or value}".'


def _named(key: Key) -> str:
    return "" if isinstance(key[-1], int) else f"{key[-1]}: "


def _text(error: ErrorDetails, value: object) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        known = re.findall("'(.*?)'", context["expected"])
        hint = suggestion(value, known) if isinstance(value, str) else ""
        return f"is not one of {', '.join(known)}. {hint}".rstrip()
    if kind in _WANTED:
        return f"is {_KINDS.get(type(value), 'something else')}, not {_WANTED[kind]}."
    if kind == "string_pattern_mismatch":
        return FORMS[context["pattern"]]
    tags = re.sub("'(.*?)', '", r"\1 or '", context.get("expected_tags", "")).replace("'", "")
    return _TEXTS.get(kind, error["msg"]).format_map({**context, "tags": tags})
