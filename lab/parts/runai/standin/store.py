"""What the stand-in remembers, in PostgreSQL: objects of several kinds, each a JSON document with a name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.parts.runai.standin import pg

Body = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    kind text NOT NULL, id text NOT NULL, scope text NOT NULL, name text NOT NULL, body jsonb NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (kind, id), UNIQUE (kind, scope, name));
CREATE SEQUENCE IF NOT EXISTS ids START 100001;
"""


class TakenError(Exception):
    """An object of this kind has the name already."""


class UnavailableError(Exception):
    """The database does not answer."""


class Store:
    """The objects. Everything happens in a transaction; one at a time."""

    def __init__(self, address: pg.Address) -> None:
        self._address = address
        self._connection: pg.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is done inside. Raises UnavailableError."""
        try:
            if self._connection is None:
                self._connection = pg.Connection(self._address)
                self._connection.script(_SCHEMA)
            self._connection.script("BEGIN")
            try:
                yield
            except BaseException:
                self._connection.script("ROLLBACK")
                raise
            self._connection.script("COMMIT")
        except OSError as error:
            if self._connection:
                self._connection.close()
            self._connection = None
            raise UnavailableError(str(error)) from error

    def _ask(self, sql: str, *values: str | None) -> list[pg.Row]:
        if self._connection is None:
            raise UnavailableError("outside of a transaction")
        return self._connection.query(sql, *values)

    def setting(self, key: str) -> str | None:
        """A setting's value."""
        rows = self._ask("SELECT value FROM settings WHERE key = $1", key)
        return rows[0]["value"] if rows else None

    def set(self, key: str, value: str) -> None:
        """Writes a setting."""
        self._ask(
            "INSERT INTO settings VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value
        )

    def new_id(self) -> str:
        """A number that no object has had."""
        return str(self._ask("SELECT nextval('ids') AS id")[0]["id"])

    def add(self, kind: str, name: str, body: Body, scope: str = "") -> Body:
        """Keeps a new object, whose id is in its body. Raises TakenError if its kind and scope have the name."""
        row = (kind, str(body["id"]), scope, name, json.dumps(body))
        try:
            self._ask("INSERT INTO objects (kind, id, scope, name, body) VALUES ($1, $2, $3, $4, $5)", *row)
        except pg.SqlError as refused:
            if refused.state != pg.UNIQUE_VIOLATION:
                raise
            raise TakenError(name) from refused
        return body

    def get(self, kind: str, key: str) -> Body | None:
        """One object by its id."""
        rows = self._ask("SELECT body FROM objects WHERE kind = $1 AND id = $2", kind, key)
        return _body(rows[0]) if rows else None

    def all(self, kind: str, scope: str | None = None) -> list[Body]:
        """All objects of a kind, in the order in which they were added; of one scope if it is given."""
        narrower, values = ("", (kind,)) if scope is None else (" AND scope = $2", (kind, scope))
        rows = self._ask(f"SELECT body FROM objects WHERE kind = $1{narrower} ORDER BY place", *values)  # noqa: S608
        return [_body(row) for row in rows]

    def change(self, kind: str, body: Body, name: str | None = None) -> Body:
        """Writes an object that is there, and its new name if it gets one. Raises TakenError."""
        try:
            self._ask(
                "UPDATE objects SET body = $3, name = coalesce($4, name) WHERE kind = $1 AND id = $2",
                *(kind, str(body["id"]), json.dumps(body), name),
            )
        except pg.SqlError as refused:
            if refused.state != pg.UNIQUE_VIOLATION:
                raise
            raise TakenError(name) from refused
        return body

    def remove(self, kind: str, key: str) -> None:
        """Forgets one object."""
        self._ask("DELETE FROM objects WHERE kind = $1 AND id = $2", kind, key)


def _body(row: pg.Row) -> Body:
    found: Body = json.loads(row["body"] or "{}")
    return found
