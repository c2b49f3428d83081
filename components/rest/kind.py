"""A kind of object behind an API: how one is found, made, read, changed and removed. Knows no Pulumi.

The state names an object's kind by its place, `module:Class`: it is never moved. What an object should be is a mapping
of plain values, `want`; a value that the site does not give is not in it, and is neither compared nor changed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Generic, TypeVar

from components.rest.access import Access
from components.rest.error import RestError, UnsureError
from components.rest.retry import Patience

Values = Mapping[str, Any]
"""Plain values by key, as JSON has them."""
C = TypeVar("C")


@dataclass(frozen=True)
class Seen:
    """An object as the API has it."""

    id: str
    values: Values
    """In the form of `want`."""
    outputs: Values = field(default_factory=dict, repr=False)
    """What others need of it; some of it can be secret."""


class Kind(ABC, Generic[C]):
    """One kind; `C` is the client of its product."""

    fixed: ClassVar[frozenset[str]] = frozenset()
    """Keys of `want` that cannot be changed in place: another value is another object."""
    outputs: ClassVar[tuple[str, ...]] = ()
    """Names of its outputs."""
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Those of them that are secret."""
    lost: ClassVar[str] = "is not there."
    """What is said where `read` finds none."""

    @abstractmethod
    def client(self, access: Access, patience: Patience) -> C:
        """The product's client."""

    @abstractmethod
    def find(self, client: C, want: Values) -> Seen | None:
        """The object that is there already under the name that it is wanted by. Raises RestError."""

    @abstractmethod
    def create(self, client: C, want: Values, secret: Values) -> Seen:
        """Makes it. Raises RestError; UnsureError if it may have been made all the same."""

    @abstractmethod
    def read(self, client: C, id_: str, want: Values) -> Seen | None:
        """The object; None if there is none. Raises RestError."""

    @abstractmethod
    def update(self, client: C, id_: str, want: Values, secret: Values, former: Values) -> Seen:
        """Makes it as it is wanted; `former` are the secrets of the last time. Raises RestError."""

    @abstractmethod
    def delete(self, client: C, id_: str, want: Values) -> None:
        """Removes it; none there is as good. Raises RestError."""


def of_place(place: str) -> Kind[Any]:
    """The kind at `module:Class`. Raises ValueError for what is no kind of this program."""
    module, _, name = place.partition(":")
    if not module.startswith("components."):
        raise ValueError(f"{place} is no kind of object")
    found = getattr(import_module(module), name, None)
    if not (isinstance(found, type) and issubclass(found, Kind)):
        raise ValueError(f"{place} is no kind of object")
    made: Kind[Any] = found()
    return made


def ensure(kind: Kind[C], client: C, want: Values, secret: Values) -> Seen:
    """The object, taken over or made, as it is wanted.

    A call to make it of which nobody knows whether it was carried out is followed by a look: an object that is there
    then is taken over, and one that is not is made by a second call. Raises RestError.
    """
    seen = kind.find(client, want)
    if seen is None:
        doubt = None
        try:
            return kind.create(client, want, secret)
        except UnsureError:
            pass
        except RestError as error:
            # Another one made it between our look and our call, or an earlier call of ours ended late.
            if error.status != 409:
                raise
            doubt = error
        seen = kind.find(client, want)
        if seen is None and doubt:
            raise doubt
        if seen is None:
            return kind.create(client, want, secret)
    return seen if holds(want, seen.values) else kind.update(client, seen.id, want, secret, {})


def holds(want: Any, seen: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether what was seen has all that is wanted. Only keys that `want` has count; null counts as absent."""
    if isinstance(want, Mapping):
        there = seen if isinstance(seen, Mapping) else {}
        return all(holds(value, there.get(key)) for key, value in want.items())
    return bool(want == seen) or (want in (None, "", []) and seen in (None, "", []))


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value without keys of null, and with whole numbers as such: Pulumi sends every number as a fraction."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
