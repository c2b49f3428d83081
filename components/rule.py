"""Marks of types, by which checks find values of one kind in a whole site: `Folder = Annotated[str, Rule(wrong)]`.

pydantic checks a type's form while it reads the site. The rules of this module run afterwards, together with the checks
between keys, so that one run reports all of them. `marked` finds each marked value by its type, in rooms and parts
alike.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from components.problem import Key, Problem


class Mark:
    """What a check wants to know of the values of a type."""


Found = tuple[Key, Mark, Any]
Visit = Callable[[Any, Key], Iterator[Found]]


@dataclass(frozen=True)
class Rule(Mark):
    """What a value of a type must be. `wrong` gives the message about a value that is not, else None."""

    wrong: Callable[[Any], str | None]


@dataclass(frozen=True)
class Reached(Mark):
    """The value is the address of a machine that hosts connect to, or has one in it: HOST:PORT, or a URL."""


def broken(found: Iterable[Found]) -> Iterator[Problem]:
    """A problem for each marked value that breaks a rule of its type."""
    for key, mark, value in found:
        if isinstance(mark, Rule) and (text := mark.wrong(value)):
            yield Problem(key, text)


def marked(model: BaseModel, key: Key = ()) -> Iterator[Found]:
    """Each value in the model whose type has a mark, with its key; once for each mark."""
    for name, alias, visit in _plan(type(model)):
        yield from visit(getattr(model, name), (*key, alias))


@cache
def _plan(model: type[BaseModel]) -> tuple[tuple[str, str, Visit], ...]:
    """The fields of a model that have a mark somewhere in them: a site of 1,000 hosts has time for no others."""
    fields = model.model_fields.items()
    visits = [(name, field.alias or name, _visit(field.annotation, field.metadata)) for name, field in fields]
    return tuple((name, alias, visit) for name, alias, visit in visits if visit)


def _visit(kind: Any, marks: Any = ()) -> Visit | None:  # noqa: ANN401 - any type
    """How to look at a value of a type; None if no mark is in it."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        return _visit(inner, (*more, *marks))
    visits = [_finds(mark) for mark in marks if isinstance(mark, Mark)]
    if inside := _inside(kind):
        visits.append(inside)
    return _all(visits) if visits else None


def _inside(kind: Any) -> Visit | None:  # noqa: ANN401 - any type
    origin, arms = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return marked if _plan(kind) else None
    if origin in (Union, UnionType):
        found = [_only(arm, visit) for arm in arms if (visit := _visit(arm))]
        return _all(found) if found else None
    if origin is tuple and arms and (item := _visit(arms[0])):
        return lambda value, key: (p for index, each in enumerate(value) for p in item(each, (*key, index)))
    if origin is dict:
        names, values = _visit(arms[0]), _visit(arms[1])
        found = [_items(visit, of) for of, visit in enumerate((names, values)) if visit]
        return _all(found) if found else None
    return None


def _finds(mark: Mark) -> Visit:
    def visit(value: Any, key: Key) -> Iterator[Found]:  # noqa: ANN401 - any value
        if value is not None:
            yield key, mark, value

    return visit


def _all(visits: list[Visit]) -> Visit:
    return visits[0] if len(visits) == 1 else lambda value, key: (p for visit in visits for p in visit(value, key))


def _only(arm: Any, visit: Visit) -> Visit:  # noqa: ANN401 - any type
    """Looks at a value of a union if it is of this arm."""
    while get_origin(arm) is Annotated:
        arm = get_args(arm)[0]
    kind = get_origin(arm) or arm
    if kind in (Union, UnionType):
        return visit  # its own arms look at what they are given
    return lambda value, key: visit(value, key) if isinstance(value, kind) else iter(())


def _items(visit: Visit, of: int) -> Visit:
    """Looks at the names (0) or the values (1) of a map."""
    return lambda value, key: (p for item in value.items() for p in visit(item[of], (*key, item[0])))
