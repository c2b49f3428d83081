"""Compares the objects that Pulumi put behind REST APIs with those that are there. Changes nothing.

They are self-describing: the state has their kind, what was wanted, and in its provider resource how to reach the API.

Rows: X22, X4.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from components.hostrun.report import Check, said
from components.rest.access import Access, of_inputs
from components.rest.error import RestError
from components.rest.kind import holds, of_place, plain
from components.rest.retry import Patience
from ops.found import Found
from ops.record import MEND
from ops.subset import Difference, Json, shown

TYPE = "pulumi-python:dynamic/rest:"
PROVIDER = "pulumi:providers:pulumi-python"
_PATIENCE = Patience(5)
_AT_ONCE = 4
Reveal = Callable[[Json], tuple[Any, bool]]
"""Takes Pulumi's marks of secrets away."""


@dataclass(frozen=True)
class _Object:
    urn: str
    id: str
    kind: str
    want: Mapping[str, Any]
    access: Access

    @property
    def check(self) -> str:
        """As in `api/Project/vision`."""
        name = self.want.get("name") or self.urn.rpartition("::")[2]
        return f"api/{self.kind.rpartition(':')[2].removesuffix('Kind')}/{name}"


def look(resources: Sequence[Mapping[str, Any]], reveal: Reveal) -> tuple[list[Check], list[Found]]:
    """The checks of all objects that are not in order, or one of those that are; and what was found of each."""
    objects = list(_objects(resources, reveal))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(_compared, objects))
    found = [each for answer in answers if isinstance(answer, list) for each in answer]
    unknown = _unknown(objects, answers)
    checks = [each.check for each in found] + unknown
    if objects and not checks:
        checks = [Check("api", objects[0].access.host, "ok", f"{len(objects)} objects hold")]
    return checks, found


def _objects(resources: Sequence[Mapping[str, Any]], reveal: Reveal) -> Iterator[_Object]:
    """Not of an API that is gone."""
    providers = {each["urn"]: each for each in resources if each["type"] == PROVIDER}
    known: dict[str, Access] = {}
    for each in resources:
        if not each["type"].startswith(TYPE) or each.get("delete"):
            continue
        urn = each["provider"].rpartition("::")[0]
        if urn not in known:
            inputs, _ = reveal(providers[urn].get("inputs") or {})
            known[urn] = of_inputs(inputs)
        if not known[urn].gone:
            inputs, _ = reveal(each["inputs"])
            yield _Object(each["urn"], each["id"], inputs["kind"], plain(inputs["want"]), known[urn])


def _compared(of: _Object) -> list[Found] | RestError:
    kind = of_place(of.kind)
    try:
        seen = kind.read(kind.client(of.access, _PATIENCE), of.id, of.want)
    except RestError as error:
        return error
    if seen is None:
        return [Found(Check(of.check, of.access.host, "failed", kind.lost, fix=MEND), of.urn)]
    return [_found(of, each) for each in _differ(of.want, seen.values, ())]


def _found(of: _Object, difference: Difference) -> Found:
    saw = f"{difference.field} is {shown(difference.saw)}"
    check = Check(of.check, of.access.host, "failed", saw, shown(difference.want), MEND)
    return Found(check, of.urn, Difference(("want", *difference.path), difference.saw, difference.want))


def _differ(want: Json, seen: Json, path: tuple[str | int, ...]) -> Iterator[Difference]:
    if holds(want, seen):
        return
    if isinstance(want, Mapping) and isinstance(seen, Mapping):
        for key, value in want.items():
            yield from _differ(value, seen.get(key), (*path, key))
    else:
        yield Difference(path, seen, want)


def _unknown(objects: Sequence[_Object], answers: Sequence[list[Found] | RestError]) -> list[Check]:
    """One for each thing that went wrong: a dark API answers the same of all its objects."""
    told: dict[tuple[str, str], list[tuple[_Object, RestError]]] = {}
    for of, answer in zip(objects, answers, strict=True):
        if isinstance(answer, RestError):
            told.setdefault((of.access.host, answer.saw), []).append((of, answer))
    checks = []
    for (host, _), same in told.items():
        first, error = same[0]
        id_ = first.check if len(same) == 1 else "api"
        many = "" if len(same) == 1 else f"{len(same)} objects were not compared. "
        checks.append(said(id_, host, "unknown", f"{many}{error}"))
    return checks
