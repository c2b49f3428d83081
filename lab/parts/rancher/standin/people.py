"""Users over the REST API, and their passwords."""

from lab.kube import Body, Kube
from lab.parts.rancher.standin import passwords
from lab.parts.rancher.standin.builtin import rancher
from lab.parts.rancher.standin.kinds import RANCHER
from lab.parts.rancher.standin.norman import Answer, Call, RefusedError, collection, resource
from lab.parts.rancher.standin.users import USERS

_FIELDS = ("username", "description", "enabled", "mustChangePassword", "principalIds")
_SETTABLE = {"name": "displayName", "description": "description", "enabled": "enabled"}
_SETTABLE |= {"mustChangePassword": "mustChangePassword", "principalIds": "principalIds"}
_CREATOR = "field.cattle.io/creatorId"


def shown(user: Body) -> Body:
    """As the API shows it: the display name is `name`."""
    more = {key: user[key] for key in _FIELDS if key in user}
    more["labels"] = user["metadata"].get("labels", {})
    return resource("user", user, **{"enabled": True, "name": user.get("displayName"), **more})


def listed(call: Call) -> Answer:
    """All users; `me=true`: who calls."""
    query = dict(call.query)
    if query.pop("me", "") == "true" or not call.admin:
        return collection("user", [shown(call.user)], query)
    return collection("user", [shown(each) for each in call.kube.items(USERS)], query)


def one(call: Call) -> Answer:
    """One user."""
    return 200, shown(_found(call))


def create(call: Call) -> Answer:
    """A new user, who has no rights yet."""
    call.administrator()
    username = call.body.get("username")
    if not isinstance(username, str) or not username:
        raise RefusedError("MissingRequired", "", "username")
    if any(each.get("username") == username for each in call.kube.items(USERS)):
        raise RefusedError("NotUnique", "Username is already in use.", "username")
    password = call.text("password", "invalid password")
    if why := passwords.weak(username, password, passwords.least(call.kube)):
        raise RefusedError("InvalidBodyContent", why)
    name = f"u-{passwords.letters(5)}"
    user = rancher("User", name, username=username, principalIds=[f"local://{name}"], **_changes(call.body))
    user["metadata"]["annotations"] = {_CREATOR: call.user["metadata"]["name"]}
    user["metadata"]["labels"] = call.body.get("labels") or {}
    user.setdefault("enabled", True)
    made = call.kube.ask("POST", USERS, user)
    passwords.change(call.kube, made, password)
    return 201, shown(made)


def _changes(body: Body) -> Body:
    return {key: body[name] for name, key in _SETTABLE.items() if name in body and name != "principalIds"}


def edit(call: Call) -> Answer:
    """Another name, or no entry any more."""
    call.administrator()
    user = _found(call)
    if call.body.get("username", user.get("username")) != user.get("username"):
        raise RefusedError("InvalidFormat", "field is immutable", "username")
    if _is_caller(call, user) and call.body.get("enabled") is False:
        raise RefusedError("InvalidAction", "You cannot deactivate yourself")
    changes = _changes(call.body)
    if "labels" in call.body:
        # those that it names; all others go (norman pkg merge, APIUpdateMerge)
        gone = dict.fromkeys(user["metadata"].get("labels", {}))
        changes["metadata"] = {"labels": {**gone, **call.body["labels"]}}
    return 200, shown(call.kube.ask("PATCH", f"{USERS}/{call.name}", changes))


def remove(call: Call) -> Answer:
    """The user, and all that is theirs."""
    call.administrator()
    user = _found(call)
    if _is_caller(call, user):
        raise RefusedError("InvalidAction", "You cannot delete yourself")
    call.kube.remove(f"{USERS}/{call.name}")
    return 200, shown(user)


def _is_caller(call: Call, user: Body) -> bool:
    return bool(user["metadata"]["name"] == call.user["metadata"]["name"])


def change_password(call: Call) -> Answer:
    """By the user."""
    current = call.text("currentPassword", "must specify current password")
    new = call.text("newPassword", "invalid new password")
    why = passwords.weak(call.user.get("username", ""), new, passwords.least(call.kube), current)
    if not why and not passwords.right(call.kube, call.user["metadata"]["name"], current):
        why = "invalid current password"
    if why:
        raise RefusedError("InvalidBodyContent", why)
    _set(call.kube, call.user, new)
    return 200, None


def set_password(call: Call) -> Answer:
    """By an administrator; the user need not change it then."""
    call.administrator()
    user = _found(call)
    new = call.text("newPassword", "Invalid password")
    if why := passwords.weak(user.get("username", ""), new, passwords.least(call.kube)):
        raise RefusedError("InvalidBodyContent", why)
    return 200, shown(_set(call.kube, user, new))


def _set(kube: Kube, user: Body, password: str) -> Body:
    passwords.change(kube, user, password)
    kube.ensure(f"{RANCHER}/settings", {"metadata": {"name": "first-login"}, "value": "false"})
    return kube.ask("PATCH", f"{USERS}/{user['metadata']['name']}", {"mustChangePassword": False})


def _found(call: Call) -> Body:
    user = call.kube.get(f"{USERS}/{call.name}")
    if user is None or not (call.admin or _is_caller(call, user)):
        raise RefusedError("NotFound", f'users.management.cattle.io "{call.name}" not found')
    return user
