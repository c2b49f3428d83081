"""Tokens: logins, tokens that users make, and who calls."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.kube import Body, Kube
from lab.parts.rancher.standin import objects, passwords
from lab.parts.rancher.standin.builtin import rancher
from lab.parts.rancher.standin.kinds import RANCHER
from lab.parts.rancher.standin.norman import Answer, Call, RefusedError, collection, resource
from lab.parts.rancher.standin.users import HOLDERS, TOKENS, USERS

_ADMIN = "admin"


def login(kube: Kube, content: Any) -> Answer:  # noqa: ANN401 - JSON from anywhere
    """A session by name and password. The error does not say which of them is wrong."""
    if not isinstance(content, dict) or not isinstance(content.get("password"), str):
        raise RefusedError("InvalidBodyContent")
    if content.get("type", "localProvider") != "localProvider":
        raise RefusedError("ServerError", "unknown authentication provider")
    found = (each for each in kube.items(USERS) if each.get("username") == content.get("username"))
    user = next((each for each in found if not objects.leaving(each)), None)
    if user is None or not passwords.right(kube, user["metadata"]["name"], content["password"]):
        raise RefusedError("Unauthorized", "authentication failed")
    if user.get("enabled") is False:
        raise RefusedError("PermissionDenied", "Permission Denied")
    _clear(kube)
    minutes = int(_setting(kube, "auth-user-session-ttl-minutes"))
    return 201, _new(kube, user, "token", minutes * 60_000, str(content.get("description", "")))


def _setting(kube: Kube, name: str) -> str:
    setting = kube.ask("GET", f"{RANCHER}/settings/{name}")
    return str(setting["value"] or setting["default"])


def _clear(kube: Kube) -> None:
    """Removes tokens that are over."""
    for token in kube.items(TOKENS):
        if _over(token):
            kube.remove(f"{TOKENS}/{token['metadata']['name']}")


def _over(token: Body) -> bool:
    ends = str(token.get("expiresAt", ""))
    return bool(ends) and datetime.fromisoformat(ends) < datetime.now(UTC)


def _new(kube: Kube, user: Body, kind: str, milliseconds: int, description: str) -> Body:
    """Makes a token; its key is in this answer only."""
    key, name = passwords.letters(54), f"{kind}-{passwords.letters(5)}"
    ends = datetime.now(UTC) + timedelta(milliseconds=milliseconds)
    token = rancher("Token", name, token=_hash(key), userId=user["metadata"]["name"], ttl=milliseconds)
    token |= {"expiresAt": ends.isoformat(timespec="seconds"), "description": description, "isDerived": kind != "token"}
    token["authProvider"] = "local"
    made = kube.ask("POST", TOKENS, token)
    return {**_shown(made), "token": f"{name}:{key}"}


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _shown(token: Body) -> Body:
    keys = ("userId", "description", "ttl", "expiresAt", "isDerived", "authProvider")
    return resource("token", token, name=token["metadata"]["name"], **{key: token.get(key) for key in keys})


def caller(kube: Kube, bearer: str) -> tuple[str, Body, bool]:
    """The token's name, its user, and whether that is an administrator. Refuses all others."""
    name, _, key = bearer.partition(":")
    token = kube.get(f"{TOKENS}/{name}") if name and "/" not in name else None
    if token is None or _over(token) or not hmac.compare_digest(token["token"], _hash(key)):
        raise RefusedError("Unauthorized", "must authenticate")
    user = kube.get(f"{USERS}/{token['userId']}")
    if user is None or user.get("enabled") is False:
        raise RefusedError("Unauthorized", "must authenticate")
    held = {each["globalRoleName"] for each in kube.items(HOLDERS) if each.get("userName") == token["userId"]}
    return name, user, _ADMIN in held


def create(call: Call) -> Answer:
    """A token of who calls, for at most as long as the setting allows."""
    wanted = call.body.get("ttl", 0)
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise RefusedError("InvalidFormat", f"{json.dumps(wanted)} is not a number", "ttl")
    most = int(_setting(call.kube, "auth-token-max-ttl-minutes")) * 60_000
    return 201, _new(
        call.kube, call.user, "token-api", min(wanted or most, most), str(call.body.get("description", ""))
    )


def listed(call: Call) -> Answer:
    """Those of who calls."""
    mine = [each for each in call.kube.items(TOKENS) if each["userId"] == call.user["metadata"]["name"]]
    return collection("token", [_shown(each) for each in mine], call.query)


def one(call: Call) -> Answer:
    """One of them."""
    return 200, _shown(_found(call))


def remove(call: Call) -> Answer:
    """One of them."""
    token = _found(call)
    call.kube.remove(f"{TOKENS}/{call.name}")
    return 200, _shown(token)


def logout(call: Call) -> Answer:
    """Ends the session that the call came with."""
    call.kube.remove(f"{TOKENS}/{call.session}")
    return 200, None


def _found(call: Call) -> Body:
    token = call.kube.get(f"{TOKENS}/{call.name}")
    if token is None or token["userId"] != call.user["metadata"]["name"]:
        raise RefusedError("NotFound", f'tokens.management.cattle.io "{call.name}" not found')
    return token
