"""What all calls of the REST API have in common: routes, refusals, what a body must have, lists in pages."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lab.parts.runai.standin.keys import Key
from lab.parts.runai.standin.store import Body, Store


class RefusedError(Exception):
    """A call that is refused: status, message and details of the documented error body."""

    def __init__(self, status: int, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, details

    def body(self) -> Body:
        """As the API sends it."""
        return {"code": self.status, "message": self.message, **({"details": self.details} if self.details else {})}


@dataclass
class App:
    """One control plane."""

    store: Store
    key: Key
    domain: str
    version: str
    token_seconds: int = 3600
    bootstrap_seconds: int = 7200
    silence_seconds: float = 30
    """A cluster that is silent for longer is disconnected."""


@dataclass
class Call:
    """One call as a handler sees it."""

    app: App
    path: tuple[str, ...] = ()
    """The parts of the path that the route leaves open."""
    query: dict[str, list[str]] = field(default_factory=dict)
    body: Any = None
    token: str = ""
    caller: Body = field(default_factory=dict)
    """Who calls: `name`, `kind` (user, app, cluster), `id`, `admin`."""

    @property
    def store(self) -> Store:
        """The app's."""
        return self.app.store

    def one(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.query.get(name, [default])[-1]


@dataclass(frozen=True)
class Plain:
    """An answer that is not JSON."""

    text: str
    kind: str = "text/plain; charset=utf-8"


Handler = Callable[[Call], tuple[int, Any]]
OPEN, ANYONE, ADMIN, CLUSTER = "open", "anyone", "admin", "cluster"


@dataclass(frozen=True)
class Route:
    """A call: `{}` in its path stands for one part."""

    method: str
    path: str
    handler: Handler
    who: str = ADMIN

    def matches(self, path: str) -> tuple[str, ...] | None:
        """The open parts of the path, None if it is another."""
        found = re.fullmatch(self.path.replace("{}", "([^/]+)"), path)
        return found.groups() if found else None


def fields(body: object, required: Iterable[str], optional: Iterable[str] = ()) -> Body:
    """A body with these keys and no others. Refuses it with 400."""
    if not isinstance(body, dict):
        raise RefusedError(400, "the body must be a JSON object")
    required = tuple(required)
    if missing := [name for name in required if body.get(name) in (None, "")]:
        raise RefusedError(400, f"missing required fields: {', '.join(missing)}")
    if unknown := sorted(set(body) - {*required, *optional}):
        raise RefusedError(400, f"unknown fields: {', '.join(unknown)}")
    return body


def matching(name: str, pattern: str, value: object) -> str:
    """A text of this form. Refuses others with 400."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise RefusedError(400, f"{name} {value!r} does not match {pattern}")
    return value


def found(body: Body | None, what: str, key: str) -> Body:
    """The object. Refuses the call with 404 if there is none."""
    if body is None:
        raise RefusedError(404, f"{what} {key} was not found")
    return body


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "==": lambda has, value: has == value,
    "!=": lambda has, value: has != value,
    "<=": lambda has, value: has <= value,
    ">=": lambda has, value: has >= value,
    "=@": lambda has, value: value in has,
    "!@": lambda has, value: value not in has,
    "=^": lambda has, value: has.startswith(value),
    "=$": lambda has, value: has.endswith(value),
}


def page(call: Call, items: list[Body], key: str) -> Body:
    """A page of a list, as filterBy, search, sortBy, sortOrder, offset and limit want it."""
    for wanted in call.query.get("filterBy", []):
        split = re.fullmatch(r"(\w+)(==|!=|<=|>=|=@|!@|=\^|=\$)(.*)", wanted)
        if not split:
            raise RefusedError(400, f"filterBy {wanted!r} is not FIELD OPERATOR VALUE")
        name, operator, value = split.groups()
        items = [item for item in items if _OPERATORS[operator](str(item.get(name, "")), value)]
    if search := call.one("search"):
        items = [item for item in items if search in str(item.get("name", ""))]
    if by := call.one("sortBy"):
        items = sorted(items, key=lambda item: str(item.get(by, "")), reverse=call.one("sortOrder") == "desc")
    offset, limit = _number(call, "offset", 0), _number(call, "limit", 50)
    if not 1 <= limit <= 500:
        raise RefusedError(400, f"limit {limit} is not between 1 and 500")
    more = {"next": offset + limit} if len(items) > offset + limit else {}
    return {key: items[offset : offset + limit], **more}


def _number(call: Call, name: str, default: int) -> int:
    text = call.one(name, str(default))
    if not text.isdigit():
        raise RefusedError(400, f"{name} {text!r} is not a number")
    return int(text)
