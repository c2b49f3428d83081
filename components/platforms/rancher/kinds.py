"""The password of admin, settings and users as kinds of objects behind Rancher's API.

A user is none of the cluster's own objects: the first password, and that it must be changed, are said once, when the
user is made. From then on both are the person's, and an object that says them would set them back at each change.
"""

from dataclasses import replace

from components.platforms.rancher import versions
from components.platforms.rancher.api import LOGIN, SETTINGS, USERS, RancherApi
from components.platforms.rancher.places import MADE, TAKEN
from components.rest.access import Access
from components.rest.client import Body
from components.rest.error import RestError
from components.rest.kind import Kind, Seen, Values
from components.rest.retry import Patience


class RancherKind(Kind[RancherApi]):
    """What all of them have in common."""

    def client(self, access: Access, patience: Patience) -> RancherApi:
        """One login for all objects of a run."""
        return RancherApi.of(access, patience)


class AdminKind(RancherKind):
    """The password of the user that all calls are made as; `want` has only its name."""

    fixed = frozenset({"username"})
    lost = "is another one than the site's, or the user is not there."

    def find(self, client: RancherApi, want: Values) -> Seen | None:
        """There already if it can log in as the site says."""
        return Seen(str(want["username"]), want) if _logs_in(client.session.access, client.patience) else None

    def create(self, client: RancherApi, want: Values, secret: Values) -> Seen:
        """Changes that of the very first login."""
        return _changed(client, want, [secret.get("bootstrap")])

    def read(self, client: RancherApi, id_: str, want: Values) -> Seen | None:
        """The password holds, or there is none as the site wants it."""
        return Seen(id_, want) if _logs_in(client.session.access, client.patience) else None

    def update(self, client: RancherApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:
        """Changes the last one, else the first one."""
        if _logs_in(client.session.access, client.patience):
            return Seen(id_, want)
        return _changed(client, want, [former.get("password"), secret.get("bootstrap")])

    def delete(self, client: RancherApi, id_: str, want: Values) -> None:
        """The user stays as it is."""


def _logs_in(access: Access, patience: Patience) -> bool:
    try:
        RancherApi(access, patience).session.log_in()
    except RestError as error:
        if error.status != 401:
            raise
        return False
    return True


def _changed(client: RancherApi, want: Values, known: list[str | None]) -> Seen:
    access = client.session.access
    for password in dict.fromkeys(each for each in known if each and each != access.password):
        other = replace(access, password=password)
        if _logs_in(other, client.patience):
            RancherApi(other, client.patience).change_password(password, access.password)
            return Seen(str(want["username"]), want)
    saw = f"Rancher takes neither the site's password of {want['username']} nor any former one"
    fix = "give the site the password that it has now; then change the site's secret, and pulumi up changes it there"
    raise RestError(f"POST {LOGIN}", saw, fix, 401)


class SettingKind(RancherKind):
    """A setting: `name`, `value`. Rancher has all of them from the start."""

    fixed = frozenset({"name"})
    lost = "is no setting of this Rancher."

    def find(self, client: RancherApi, want: Values) -> Seen | None:
        """By its name."""
        found = client.one(SETTINGS, str(want["name"]))
        return _setting(found) if found else None

    def create(self, client: RancherApi, want: Values, secret: Values) -> Seen:  # noqa: ARG002
        """Nobody can make one."""
        call = f"GET {SETTINGS}/{want['name']}"
        saw = f'there is no setting "{want["name"]}" in this Rancher'
        raise RestError(call, saw, "correct its name in settings, or take it out", 404) from None

    def read(self, client: RancherApi, id_: str, want: Values) -> Seen | None:
        """Its value now."""
        return self.find(client, {**want, "name": id_})

    def update(self, client: RancherApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Another value."""
        return _setting(client.put(SETTINGS, id_, {"name": id_, "value": want["value"]}))

    def delete(self, client: RancherApi, id_: str, want: Values) -> None:  # noqa: ARG002
        """Without a value it has Rancher's default."""
        if client.one(SETTINGS, id_):
            client.put(SETTINGS, id_, {"name": id_, "value": ""})


def _setting(body: Body) -> Seen:
    return Seen(str(body.get("name") or body["id"]), {"name": body.get("name") or body["id"], "value": body["value"]})


class UserKind(RancherKind):
    """A user of Rancher's own: `username`, `name`, `enabled`; `secret` has the first password.

    One that others made is taken over if `want` has `adopt`: then only `enabled` is ours, and the user is given back
    as it was instead of being deleted. Which of both a user is stands in the user's labels, so that it outlives state.
    """

    fixed = frozenset({"username"})

    def find(self, client: RancherApi, want: Values) -> Seen | None:
        """By the login name. Who is there keeps the password. Raises RestError for one who may not be taken over."""
        found = client.user(str(want["username"]))
        if found is None:
            return None
        if not want.get("adopt") and not {MADE, TAKEN} & _labels(found).keys():
            raise _foreign(found)
        return _user(found, want)

    def create(self, client: RancherApi, want: Values, secret: Values) -> Seen:
        """With the first password, which must be changed at the first login."""
        password = str(secret["password"])
        if len(password) < versions.PASSWORD:
            saw = f"the first password of {want['username']} has {len(password)} characters"
            fix = f"set the secret that the site names for it to one of {versions.PASSWORD} or more"
            raise RestError(f"POST {USERS}", f"{saw}. Nobody was made", fix)
        body = {"username": want["username"], "name": want["username"], "enabled": want["enabled"]}
        body |= {"password": password, "mustChangePassword": True, "labels": {MADE: "true"}}
        return _user(client.add(USERS, body), want)

    def read(self, client: RancherApi, id_: str, want: Values) -> Seen | None:
        """By its id."""
        found = client.one(USERS, id_)
        return _user(found, want) if found else None

    def update(self, client: RancherApi, id_: str, want: Values, secret: Values, former: Values) -> Seen:  # noqa: ARG002
        """Not the password, which is the person's."""
        found = client.one(USERS, id_) or {}
        labels = _labels(found)
        body = {"enabled": want["enabled"]}
        if want.get("adopt") and MADE not in labels:
            body["labels"] = {TAKEN: str(found.get("enabled", True)).lower(), **labels}
        elif TAKEN not in labels:
            body |= {"name": want["name"], "labels": {**labels, MADE: "true"}}
        return _user(client.put(USERS, id_, body), want)

    def delete(self, client: RancherApi, id_: str, want: Values) -> None:
        """With all role bindings; one that others made stays, as it was."""
        found = client.one(USERS, id_)
        labels = _labels(found or {})
        if found and MADE not in labels and (TAKEN in labels or want.get("adopt")):
            before = labels.get(TAKEN, str(found.get("enabled", True)).lower()) == "true"
            rest = {key: value for key, value in labels.items() if key != TAKEN}
            client.put(USERS, id_, {"enabled": before, "labels": rest})
        elif found:
            client.remove(USERS, id_)


def _foreign(body: Body) -> RestError:
    """The refusal of a user that others made."""
    name = body["username"]
    saw = f"Rancher has a user {name} ({body['id']}) already, whom this program did not make. Nothing was changed"
    word = f"to take this one over and give it back later, users.{name}.adopt: true in Rancher's entry"
    return RestError(f"GET {USERS}", saw, f"another name in the site's users; or, {word}")


def _labels(body: Body) -> dict[str, str]:
    return dict(body.get("labels") or {})


def _user(body: Body, want: Values) -> Seen:
    """As `want` has it; the display name of one who was taken over is not ours."""
    labels = _labels(body)
    ours = MADE in labels or (TAKEN not in labels and not want.get("adopt"))
    name = body.get("name") if ours else want["name"]
    values = {"username": body["username"], "name": name, "enabled": body.get("enabled")}
    word = {"adopt": MADE in labels or TAKEN in labels} if want.get("adopt") else {}
    return Seen(str(body["id"]), values | word)
