"""The provider of all objects behind APIs. Pulumi keeps it in the state by its place and name, so it is never moved.

It runs in a process of Pulumi's, which configures it with the inputs of the API's provider resource. `check` and
`diff` ask nobody: a preview needs no API.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from components.rest.access import SECRET, of_inputs
from components.rest.error import DarkError, RestError
from components.rest.kind import Kind, Seen, ensure, of_place, plain
from components.rest.retry import Patience

_LONG, _SHORT = Patience(), Patience(10)
"""For what comes up, and for what may be gone."""
_KEYS = ("url", "username", "server", "ca", "gone", "ifGone")


class Provider(ResourceProvider):
    """Has nothing of its own: the same few bytes in the state for every object, whatever our code is like."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        """Once in each process."""
        inputs = {f"rest:{key}": req.config.get(f"rest:{key}") for key in _KEYS}
        self.access = of_inputs({**inputs, SECRET: req.config.require(SECRET)})

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """The site is checked before anything runs."""
        return CheckResult(plain(news), [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compares what was wanted with what is."""
        before, now = plain(_olds), plain(_news)
        keys = {*before["want"], *now["want"]}
        changed = {key for key in keys if before["want"].get(key) != now["want"].get(key)}
        replaces = sorted(changed & of_place(now["kind"]).fixed)
        return DiffResult(
            changes=bool(changed) or before.get("private") != now.get("private"),
            replaces=[f"want.{key}" for key in replaces],
            delete_before_replace=True,  # the other one may have the same name
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Takes over what is there under this name, else makes it."""
        with _one_line():
            self._there(props, "create")
            kind, want = of_place(props["kind"]), plain(props["want"])
            seen = ensure(kind, self._client(kind), want, props.get("private") or {})
            return CreateResult(seen.id, {**props, **_outputs(kind, seen, {})})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Makes it as it is wanted now."""
        with _one_line():
            self._there(_news, "update")
            kind, want = of_place(_news["kind"]), plain(_news["want"])
            former = _olds.get("private") or {}
            seen = kind.update(self._client(kind), _id, want, _news.get("private") or {}, former)
            return UpdateResult({**_news, **_outputs(kind, seen, _olds)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """For `pulumi refresh`: what is wanted as it was seen."""
        with _one_line():
            kind = of_place(props["kind"])
            seen = kind.read(self._client(kind), id_, plain(props["want"]))
            if seen is None:
                return ReadResult("", {})
            want = {key: seen.values.get(key, value) for key, value in props["want"].items()}
            inputs = {key: props[key] for key in ("kind", "private") if key in props} | {"want": want}
            return ReadResult(seen.id, {**props, "want": want}, inputs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Removes it; forgets it where the API is gone."""
        if self.access.gone:
            return
        with _one_line():
            kind = of_place(_props["kind"])
            try:
                kind.delete(self._client(kind, _SHORT), _id, plain(_props["want"]))
            except DarkError as error:
                fix = f"{error.fix}; an API that is gone for good: {self.access.if_gone}"
                raise DarkError(error.call, f"{error.saw}. Nothing was removed there", fix) from None

    def _client(self, kind: Kind[Any], patience: Patience = _LONG) -> Any:  # noqa: ANN401 - the product's
        return kind.client(self.access, patience)

    def _there(self, props: Mapping[str, Any], what: str) -> None:
        if self.access.gone:
            name = props["kind"].partition(":")[2]
            fix = "take the objects out of the site, too, or take back that it is gone"
            raise RestError(f"{what} {name}", f"the site says that {self.access.url} is gone", fix)


def _outputs(kind: Kind[Any], seen: Seen, before: Mapping[str, Any]) -> dict[str, Any]:
    """What was seen; what the API tells only once stays as it was."""
    kept = {key: before[key] for key in kind.outputs if key in before}
    return {**kept, **{key: value for key, value in seen.outputs.items() if value is not None}}


@contextmanager
def _one_line() -> Iterator[None]:
    """Pulumi prints the whole trace of an exception. What we raise on purpose says all on its line."""
    try:
        yield
    except RestError:
        sys.tracebacklimit = 0
        raise
