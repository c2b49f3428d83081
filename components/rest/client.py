"""What the clients of all REST APIs share: one session for each access, objects read and removed by their id."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

from components.rest.access import Access
from components.rest.error import RestError
from components.rest.retry import Patience
from components.rest.session import Login, Session

Body = Mapping[str, Any]
"""A JSON object."""


class Client:
    """One platform's API, for all threads. Every method raises RestError."""

    login: ClassVar[Login]
    """How it logs in."""

    def __init__(self, access: Access, patience: Patience | None = None) -> None:
        self.session = Session(access, self.login, patience)

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, access: Access, patience: Patience | None = None) -> Self:
        """The same one for the same access, so that a run logs in once."""
        return cls(access, patience)

    @property
    def patience(self) -> Patience:
        """How long it waits for what goes on there."""
        return self.session.patience

    def one(self, path: str, id_: str) -> Body | None:
        """The object of this id, or None where the platform has none."""
        try:
            found: Body = self.session.call("GET", f"{path}/{id_}")
        except RestError as error:
            if error.status != 404:
                raise
            return None
        return found

    def remove(self, path: str, id_: str) -> None:
        """Removes an object; none there is as good."""
        try:
            self.session.call("DELETE", f"{path}/{id_}")
        except RestError as error:
            if error.status != 404:
                raise
