"""Calls with a token, which is got when it is needed, renewed before it ends, and got anew when it is refused."""

import threading
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from components.rest.access import Access
from components.rest.error import RestError
from components.rest.http import Call, Reply
from components.rest.retry import Patience, ask


@dataclass(frozen=True)
class Token:
    """What a login gave."""

    text: str = field(repr=False)
    seconds: float
    """How long it lasts."""
    refresh: str = field(default="", repr=False)
    """What it is renewed with; empty if it cannot be."""


class Login(Protocol):
    """How a product logs in."""

    def __call__(self, access: Access, refresh: str) -> Call:
        """The call for a token: by what renews it, else by name and password."""

    def token(self, data: Any) -> Token:  # noqa: ANN401 - JSON
        """The token in the answer."""


class Session:
    """One login, for all threads."""

    def __init__(self, access: Access, login: Login, patience: Patience | None = None) -> None:
        self.access, self._login, self.patience = access, login, patience or Patience()
        self._token: Token | None = None
        self._end = 0.0
        self._lock = threading.Lock()

    def call(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        """The answer's JSON. A token that is refused was not used: the call is made again with a new one. RestError."""
        call = Call(method, path, **more)
        token = self._current(None)
        try:
            return self._ask(call, token).data
        except RestError as error:
            if error.status != 401:
                raise
        return self._ask(call, self._current(token)).data

    def log_in(self) -> None:
        """Logs in, if that was not done. Raises RestError."""
        self._current(None)

    def _ask(self, call: Call, token: str) -> Reply:
        return ask(self.access, replace(call, token=token), self.patience)

    def _current(self, bad: str | None) -> str:
        """The token's text; another one than `bad`, which was refused."""
        with self._lock:
            if self._token is None or self._token.text == bad or self.patience.clock() > self._end:
                self._token = self._new(self._token.refresh if self._token else "")
                # a fifth earlier, so that none ends on its way
                self._end = self.patience.clock() + self._token.seconds * 0.8
            return self._token.text

    def _new(self, refresh: str) -> Token:
        if refresh:
            try:
                return self._login.token(ask(self.access, self._login(self.access, refresh), self.patience).data)
            except RestError as error:
                if error.status not in {400, 401, 403}:
                    raise
        return self._login.token(ask(self.access, self._login(self.access, ""), self.patience).data)
