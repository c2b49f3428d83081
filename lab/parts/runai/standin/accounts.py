"""Users, service accounts and access keys."""

import hashlib
import hmac
import re
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from lab.parts.runai.standin.store import Body, Store, TakenError
from lab.parts.runai.standin.web import ADMIN, ANYONE, Call, RefusedError, Route, fields, found, matching, page

TENANT = 1001
ADMINISTRATOR = "System administrator"
_NAME = r"[a-z][-_a-z0-9]*[a-z0-9]"
_ROUNDS = 20_000


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def weak(password: str) -> str:
    """What a password lacks, empty if nothing."""
    wants = {"a digit": r"\d", "a lower-case letter": "[a-z]", "an upper-case letter": "[A-Z]", "a special": r"[\W_]"}
    lacks = ["8 characters"] * (len(password) < 8)
    return ", ".join([*lacks, *(text for text, pattern in wants.items() if not re.search(pattern, password))])


def hashed(secret: str, salt: str | None = None) -> str:
    """SALT:HASH of a secret."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}:{hashlib.pbkdf2_hmac('sha256', secret.encode(), salt.encode(), _ROUNDS).hex()}"


def fits(secret: str, kept: str) -> bool:
    """Whether `hashed` made `kept` of it."""
    return hmac.compare_digest(hashed(secret, kept.partition(":")[0]), kept)


def temporary() -> str:
    """A password for the first login."""
    return f"{secrets.token_urlsafe(9)}aA1!"


def first_admin(store: Store, username: str, password: str) -> None:
    """Makes the tenant's first administrator; one that is there keeps its password."""
    if any(user["username"] == username for user in store.all("user")):
        return
    if lacks := weak(password):
        raise ValueError(f"tenantsManager.config.adminPassword lacks: {lacks}")
    user = _new_user(username, "")
    store.add("user", username, {**user, "password": hashed(password), "temporary": False})
    rule = {"subjectId": username, "subjectType": "user", "roleName": ADMINISTRATOR, "roleId": 1}
    rule |= {"scopeId": str(TENANT), "scopeType": "tenant", "scopeName": "tenant", "createdAt": now()}
    store.add("access-rule", f"{username}/1/tenant/{TENANT}", {**rule, "id": int(store.new_id()), "createdBy": ""})


def _new_user(email: str, creator: str) -> Body:
    return {"id": str(uuid.uuid4()), "username": email, "createdBy": creator, "createdAt": now(), "isLocal": True}


def _shown(account: Body) -> Body:
    hidden = ("password", "temporary", "loggedOutAt", "secret", "owner")
    return {key: value for key, value in account.items() if key not in hidden}


def _add_user(call: Call) -> tuple[int, Any]:
    body = fields(call.body, ["email"], ["resetPassword", "notify"])
    email, password = matching("email", r"[^@\s]+@[^@\s]+\.[^@\s]+", body["email"]), temporary()
    user = _new_user(email, call.caller["name"])
    kept = {"password": hashed(password), "temporary": bool(body.get("resetPassword"))}
    try:
        call.store.add("user", email, {**user, **kept})
    except TakenError as taken:
        raise RefusedError(409, f"user {email} already exists") from taken
    return 201, {"id": user["id"], "username": email, "tempPassword": password}


def _users(call: Call) -> tuple[int, Any]:
    call.query.setdefault("limit", ["500"])
    return 200, page(call, [_shown(user) for user in call.store.all("user")], "users")["users"]


def _user(call: Call) -> Body:
    return found(call.store.get("user", call.path[0]), "user", call.path[0])


def _remove_user(call: Call) -> tuple[int, Any]:
    user = _user(call)
    call.store.remove("user", user["id"])
    forget_rules(call.store, "subjectId", user["username"])
    return 204, None


def forget_rules(store: Store, key: str, value: str) -> None:
    """Removes the access rules of a subject or a scope that is gone."""
    for rule in store.all("access-rule"):
        if rule[key] == value:
            store.remove("access-rule", str(rule["id"]))


def _log_out(call: Call) -> tuple[int, Any]:
    call.store.change("user", {**_user(call), "loggedOutAt": int(time.time()) + 1})
    return 200, None


def _reset(call: Call) -> tuple[int, Any]:
    password = temporary()
    call.store.change("user", {**_user(call), "password": hashed(password), "temporary": True})
    return 200, {"tempPassword": password}


def _own_password(call: Call) -> tuple[int, Any]:
    body = fields(call.body, ["currentPassword", "newPassword"])
    user = call.store.get("user", call.caller["id"]) if call.caller["kind"] == "user" else None
    if user is None or not fits(body["currentPassword"], user["password"]):
        raise RefusedError(400, "currentPassword is not the caller's password")
    if lacks := weak(body["newPassword"]):
        raise RefusedError(400, f"newPassword lacks: {lacks}")
    call.store.change("user", {**user, "password": hashed(body["newPassword"]), "temporary": False})
    return 200, body


def _new_client(name: str) -> Body:
    key = str(uuid.uuid4())
    return {"id": key, "name": name, "enabled": True, "clientId": f"{name}-{key[:8]}", "createdAt": now()}


def _add_client(call: Call, owner: str | None) -> tuple[int, Any]:
    name = matching("name", _NAME, fields(call.body, ["name"])["name"])
    account, secret = _new_client(name), secrets.token_urlsafe(24)
    account["createdBy"] = call.caller["name"]
    try:
        call.store.add("app", name, {**account, "owner": owner, "secret": hashed(secret)}, owner or "")
    except TakenError as taken:
        raise RefusedError(409, f"{name} already exists") from taken
    return 201, {**account, "clientSecret": secret}


def _own(call: Call) -> str:
    return str(call.caller["name"])


def _clients(call: Call, owner: str | None) -> list[Body]:
    return [_shown(account) for account in call.store.all("app", owner or "")]


def _client(call: Call) -> Body:
    account = found(call.store.get("app", call.path[0]), "account", call.path[0])
    if account["owner"] not in (None, call.caller["name"]) or (account["owner"] is None and not call.caller["admin"]):
        raise RefusedError(404, f"account {call.path[0]} was not found")
    return account


def _change_client(call: Call) -> tuple[int, Any]:
    changed = {**_client(call), "enabled": bool(fields(call.body, ["enabled"])["enabled"])}
    return 200, _shown(call.store.change("app", changed))


def _remove_client(call: Call) -> tuple[int, Any]:
    account = _client(call)
    call.store.remove("app", account["id"])
    forget_rules(call.store, "subjectId", account["clientId"])
    return 204, None


def _new_secret(call: Call) -> tuple[int, Any]:
    secret = secrets.token_urlsafe(24)
    call.store.change("app", {**_client(call), "secret": hashed(secret)})
    return 200, {"clientSecret": secret}


_USERS, _SERVICE, _KEYS = "/api/v1/users", "/api/v1/service-accounts", "/api/v1/access-keys"
ROUTES = [
    Route("POST", _USERS, _add_user),
    Route("GET", _USERS, _users),
    Route("GET", f"{_USERS}/{{}}", lambda call: (200, _shown(_user(call)))),
    Route("DELETE", f"{_USERS}/{{}}", _remove_user),
    Route("POST", f"{_USERS}/{{}}/logout", _log_out),
    Route("POST", f"{_USERS}/{{}}/password", _reset),
    Route("POST", "/api/v1/me/password", _own_password, ANYONE),
    Route("POST", _SERVICE, lambda call: _add_client(call, None)),
    Route("GET", _SERVICE, lambda call: (200, _clients(call, None))),
    Route("POST", _KEYS, lambda call: _add_client(call, _own(call)), ANYONE),
    Route("GET", _KEYS, lambda call: (200, {"accessKeys": _clients(call, _own(call))}), ANYONE),
    *(
        Route(method, f"{base}/{{}}{suffix}", handler, who)
        for base, who in ((_SERVICE, ADMIN), (_KEYS, ANYONE))
        for method, suffix, handler in (
            ("GET", "", lambda call: (200, _shown(_client(call)))),
            ("PATCH", "", _change_client),
            ("DELETE", "", _remove_client),
            ("POST", "/secret", _new_secret),
        )
    ),
]
