"""Users of MLflow's tracking server as kinds of objects, by its REST API (Authentication REST API, 3.15).

Rows: R9.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.rest.access import Access
from components.rest.error import RestError
from components.rest.http import Call
from components.rest.kind import Kind, Seen, Values
from components.rest.retry import Patience, ask

USERS = "/api/2.0/mlflow/users"
LEAST = 13
"""Signs of a password."""
_GIVEN = {"password": "given"}
"""A password can be set and not read: of a user that is there it is not known, so it is set."""


class MlflowApi:
    """The server, asked with name and password each time. Every method raises RestError."""

    def __init__(self, access: Access, patience: Patience | None = None) -> None:
        self.access, self.patience = access, patience or Patience()

    def call(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        """The answer's JSON."""
        return ask(self.access, Call(method, f"{USERS}/{path}", basic=True, **more), self.patience).data

    def there(self, name: str) -> bool:
        """Whether there is such a user."""
        try:
            self.call("GET", "get", query={"username": name})
        except RestError as error:
            if error.status != 404:
                raise
            return False
        return True

    def holds(self) -> bool:
        """Whether the user can log in with the password that the site has."""
        try:
            self.call("GET", "current")
        except RestError as error:
            if error.status != 401:
                raise
            return False
        return True

    def set_password(self, name: str, password: str, former: str | None = None) -> None:
        """Of another user, or with the former one the own."""
        body = {"username": name, "password": password, **({"current_password": former} if former else {})}
        self.call("PATCH", "update-password", body=body, harmless=former is None)


class MlflowUserKind(Kind[MlflowApi]):
    """A user that is no administrator: `username`."""

    fixed = frozenset({"username"})

    def client(self, access: Access, patience: Patience) -> MlflowApi:
        """Without a login of its own."""
        return MlflowApi(access, patience)

    def find(self, client: MlflowApi, want: Values) -> Seen | None:
        """By the name."""
        name = str(want["username"])
        return Seen(name, {"username": name}) if client.there(name) else None

    def create(self, client: MlflowApi, want: Values, secret: Values) -> Seen:
        """With the password."""
        body = {"username": want["username"], "password": _long("POST", str(want["username"]), secret)}
        client.call("POST", "create", body=body)
        return Seen(str(want["username"]), want)

    def read(self, client: MlflowApi, id_: str, want: Values) -> Seen | None:
        """Whether it is there."""
        return Seen(id_, want) if client.there(id_) else None

    def update(self, client: MlflowApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Sets the password."""
        client.set_password(id_, _long("PATCH", id_, secret))
        return Seen(id_, want)

    def delete(self, client: MlflowApi, id_: str, want: Values) -> None:  # noqa: ARG002
        """What it made stays, for the administrator."""
        try:
            client.call("DELETE", "delete", body={"username": id_})
        except RestError as error:
            if error.status != 404:
                raise


def _long(method: str, name: str, secret: Values) -> str:
    """The password; the server itself refuses a short one of a new user only. Raises RestError."""
    password = str(secret["password"])
    if len(password) < LEAST:
        saw = f"the password of {name} has {len(password)} signs, and MLflow asks for {LEAST} or more. Nothing was sent"
        fix = f"pulumi config set --secret, with the name that mlflow.server.projects has for {name}"
        raise RestError(f"{method} {USERS}", saw, fix)
    return password


class MlflowAdminKind(MlflowUserKind):
    """The administrator, as whom all calls are made: the server makes it at its first start."""

    lost = "has another password than the site's."

    def find(self, client: MlflowApi, want: Values) -> Seen | None:
        """There already if it can log in as the site says."""
        return Seen(str(want["username"]), want) if client.holds() else None

    def create(self, client: MlflowApi, want: Values, secret: Values) -> Seen:
        """The server has made it, with another password: that of an earlier site on the same volume."""
        return self.update(client, str(want["username"]), want, secret, {})

    def read(self, client: MlflowApi, id_: str, want: Values) -> Seen | None:
        """The password holds."""
        return Seen(id_, want) if client.holds() else None

    def update(self, client: MlflowApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Changes the last one that the site had."""
        if client.holds():
            return Seen(id_, want)
        if old := former.get("password"):
            other = MlflowApi(replace(client.access, password=str(old)), client.patience)
            if other.holds():
                other.set_password(id_, client.access.password, str(old))
                return Seen(id_, want)
        saw = "the tracking server takes neither the site's password of its administrator nor the last one"
        fix = "give the site the password that it has now; then change the secret, and pulumi up changes it there"
        raise RestError(f"GET {USERS}/current", saw, fix, 401)

    def delete(self, client: MlflowApi, id_: str, want: Values) -> None:
        """It stays as it is."""


def want(name: str) -> Mapping[str, str]:
    """What is wanted of a user."""
    return {"username": name, **_GIVEN}
