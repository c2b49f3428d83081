"""Users, access rules, node pools and the administrator's password as kinds of objects."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from components.platforms.runai.api import POOLS, RULES, USERS, RunaiApi
from components.rest.access import Access
from components.rest.client import Body
from components.rest.error import RestError
from components.rest.kind import Kind, Seen, Values
from components.rest.retry import Patience


class RunaiKind(Kind[RunaiApi]):
    """What all of them have in common."""

    def client(self, access: Access, patience: Patience) -> RunaiApi:
        """One login for all objects of a run."""
        return RunaiApi.of(access, patience)


class ListedKind(RunaiKind):
    """A kind whose objects are at `path`, and of which `seen` says what one is. Nothing of it changes in place."""

    path: ClassVar[str]

    @abstractmethod
    def seen(self, body: Body) -> Seen:
        """An object in the API's form."""

    def read(self, client: RunaiApi, id_: str, want: Values) -> Seen | None:  # noqa: ARG002
        """By its id."""
        found = client.one(self.path, id_)
        return self.seen(found) if found else None

    def update(self, client: RunaiApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """There is nothing to change."""
        return Seen(id_, want)

    def delete(self, client: RunaiApi, id_: str, want: Values) -> None:  # noqa: ARG002
        """With all that hangs on it."""
        client.remove(self.path, id_)


class UserKind(ListedKind):
    """A local user: `email`."""

    path = USERS
    fixed = frozenset({"email"})
    outputs = ("password",)
    secrets = frozenset({"password"})

    def find(self, client: RunaiApi, want: Values) -> Seen | None:
        """By its name, which is the address."""
        return next((self.seen(each) for each in client.all(USERS) if each["username"] == want["email"]), None)

    def create(self, client: RunaiApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """The API tells the first password in this answer only."""
        made = client.add(USERS, {"email": want["email"], "resetPassword": True, "notify": False})
        return Seen(str(made["id"]), want, {"password": made.get("tempPassword") or ""})

    def seen(self, body: Body) -> Seen:
        """Without its password."""
        return Seen(str(body["id"]), {"email": body["username"]})


class RuleKind(ListedKind):
    """An access rule: `subject`, `subjectType`, `role` (its name), `scopeType`, `scope`, `cluster`."""

    path = RULES
    fixed = frozenset({"subject", "subjectType", "role", "scopeType", "scope", "cluster"})

    def find(self, client: RunaiApi, want: Values) -> Seen | None:
        """The same role of the same subject in the same scope."""
        seen = [self.seen(each) for each in client.all(RULES)]
        keys = ("subject", "subjectType", "role", "scopeType", "scope")
        return next((each for each in seen if all(each.values[key] == want[key] for key in keys)), None)

    def create(self, client: RunaiApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """The role is named in the site; the API wants its number."""
        body = {"subjectId": want["subject"], "subjectType": want["subjectType"], "roleId": client.role(want["role"])}
        body |= {"scopeId": want["scope"], "scopeType": want["scopeType"], "clusterId": want.get("cluster")}
        return self.seen({**want, **client.add(RULES, body)})

    def seen(self, body: Body) -> Seen:
        """The role by its name."""
        values = {"subject": body["subjectId"], "subjectType": body["subjectType"], "role": body["roleName"]}
        values |= {"scopeType": body["scopeType"], "scope": str(body["scopeId"]), "cluster": body.get("clusterId")}
        return Seen(str(body["id"]), values)


class PoolKind(ListedKind):
    """A node pool: `name`, `cluster`, `labelKey`, `labelValue`, `placementStrategy`."""

    path = POOLS
    fixed = frozenset({"name", "cluster"})

    def find(self, client: RunaiApi, want: Values) -> Seen | None:
        """By its name in its cluster."""
        there = [each for each in client.all(POOLS) if each["clusterId"] == want["cluster"]]
        return next((self.seen(each) for each in there if each["name"] == want["name"]), None)

    def create(self, client: RunaiApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """The cluster's scheduler makes it."""
        return self.seen(client.add(POOLS, {**_settings(want), "name": want["name"], "clusterId": want["cluster"]}))

    def update(self, client: RunaiApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Only what the site says."""
        client.session.call("PATCH", f"{POOLS}/{id_}", body=_settings(want), harmless=True)
        return Seen(id_, want)

    def delete(self, client: RunaiApi, id_: str, want: Values) -> None:
        """The pool `default` is every cluster's own, and stays."""
        if want["name"] != "default":
            super().delete(client, id_, want)

    def seen(self, body: Body) -> Seen:
        """With its settings."""
        keys = ("name", "labelKey", "labelValue", "placementStrategy")
        return Seen(str(body["id"]), {**{key: body.get(key) for key in keys}, "cluster": body["clusterId"]})


def _settings(want: Values) -> dict[str, Any]:
    return {key: value for key, value in want.items() if key not in {"name", "cluster"}}


class AdminKind(RunaiKind):
    """The password of the user that all calls are made as; `want` has only its name."""

    fixed = frozenset({"username"})
    lost = "is another one than the site's, or the user is not there."

    def find(self, client: RunaiApi, want: Values) -> Seen | None:
        """There already if it can log in as the site says."""
        return Seen(str(want["username"]), want) if self._holds(client) else None

    def create(self, client: RunaiApi, want: Values, secret: Values) -> Seen:
        """Changes one of the first passwords that `secret` has under `initial`."""
        return self._changed(client, want, list(secret.get("initial") or []))

    def read(self, client: RunaiApi, id_: str, want: Values) -> Seen | None:
        """The password holds, or there is none as the site wants it."""
        return Seen(id_, want) if self._holds(client) else None

    def update(self, client: RunaiApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:
        """Changes the last one, else a first one."""
        if self._holds(client):
            return Seen(id_, want)
        return self._changed(client, want, [former.get("password"), *(secret.get("initial") or [])])

    def delete(self, client: RunaiApi, id_: str, want: Values) -> None:
        """The user stays as it is."""

    def _holds(self, client: RunaiApi) -> bool:
        try:
            RunaiApi(client.session.access, client.patience).session.log_in()
        except RestError as error:
            if error.status not in {400, 401}:
                raise
            return False
        return True

    def _changed(self, client: RunaiApi, want: Values, known: list[str | None]) -> Seen:
        access = client.session.access
        for password in dict.fromkeys(each for each in known if each and each != access.password):
            other = RunaiApi(replace(access, password=password), client.patience)
            try:
                other.session.log_in()
            except RestError as error:
                if error.status not in {400, 401}:
                    raise
                continue
            other.change_password(password, access.password)
            return Seen(str(want["username"]), want)
        saw = f"the control plane takes neither the site's password of {want['username']} nor any former one"
        fix = (
            "give the site the password that it has now; then change the site's secret, and pulumi up changes it there"
        )
        raise RestError("POST /api/v2/token", saw, fix, 401)
