"""Tokens: who gets one for what, and who their bearers are; by the API's calls, and by the realm as Keycloak has it."""

import time
import uuid
from typing import Any
from urllib.parse import parse_qsl

from lab.parts.runai.standin.accounts import ADMINISTRATOR, TENANT, fits
from lab.parts.runai.standin.keys import TokenError
from lab.parts.runai.standin.store import Body
from lab.parts.runai.standin.web import OPEN, App, Call, RefusedError, Route, fields

REALM = "/auth/realms/runai"
_V1 = {"clientID": "client_id", "clientSecret": "client_secret", "username": "username", "password": "password"}
_V1 |= {"clientId": "client_id", "refreshToken": "refresh_token", "appID": "client_id", "appSecret": "client_secret"}


def caller(app: App, token: str) -> Body:
    """Who has a token. Refuses it with 401."""
    try:
        claims = app.key.claims(token, "Bearer")
    except TokenError as bad:
        raise RefusedError(401, f"Unauthorized: {bad}") from bad
    if claims["kind"] == "cluster":
        account = app.store.get("cluster", claims["sub"])
    else:
        account = app.store.get(claims["kind"], claims["sub"])
    if account is None or account.get("enabled") is False or claims["iat"] < account.get("loggedOutAt", 0):
        raise RefusedError(401, "Unauthorized: the token's account is gone, disabled or logged out")
    names = {account.get("username"), account.get("clientId"), account["id"], account.get("owner")} - {None}
    admin = any(
        rule["subjectId"] in names and rule["roleName"] == ADMINISTRATOR and rule["scopeType"] in ("tenant", "system")
        for rule in app.store.all("access-rule")
    )
    name = account.get("username") or account.get("clientId") or account["name"]
    return {"kind": claims["kind"], "id": account["id"], "name": name, "admin": admin}


def granted(app: App, kind: str, wanted: dict[str, str]) -> Body:
    """The tokens for a grant, named as OAuth does. Refuses it with 400 or 401."""
    if kind == "password":
        return _by_password(app, wanted.get("username", ""), wanted.get("password", ""))
    if kind == "refresh_token":
        return _refreshed(app, wanted.get("refresh_token", ""))
    if kind == "client_credentials":
        return _by_secret(app, wanted.get("client_id", ""), wanted.get("client_secret", ""))
    raise RefusedError(400, "unsupported_grant_type", f"grant_type {kind!r}")


def _by_password(app: App, username: str, password: str) -> Body:
    account = next((user for user in app.store.all("user") if user["username"] == username), None)
    if account is None or not fits(password, account["password"]):
        raise RefusedError(401, "invalid_grant", "Invalid user credentials")
    if account["temporary"]:
        raise RefusedError(400, "invalid_grant", "Account is not fully set up: the temporary password must be changed")
    return _tokens(app, "user", account, account["username"])


def _refreshed(app: App, token: str) -> Body:
    try:
        claims = app.key.claims(token, "Refresh")
    except TokenError as bad:
        raise RefusedError(400, "invalid_grant", str(bad)) from bad
    account = app.store.get(claims["kind"], claims["sub"])
    if account is None or claims["iat"] < account.get("loggedOutAt", 0):
        raise RefusedError(400, "invalid_grant", "Session not active")
    return _tokens(app, claims["kind"], account, claims["preferred_username"])


def _by_secret(app: App, client: str, secret: str) -> Body:
    for kind in ("app", "cluster"):
        for account in app.store.all(kind):
            if account["clientId"] == client and fits(secret, account["secret"]) and account.get("enabled", True):
                return _tokens(app, kind, account, client)
    raise RefusedError(401, "invalid_client", "Invalid client or Invalid client credentials")


def _tokens(app: App, kind: str, account: Body, name: str) -> Body:
    seconds = int(time.time())
    issuer = f"https://{app.domain}{REALM}"
    claims: dict[str, Any] = {"iss": issuer, "sub": account["id"], "kind": kind}
    claims |= {"aud": "runai", "iat": seconds, "exp": seconds + app.token_seconds, "jti": str(uuid.uuid4())}
    claims |= {"preferred_username": name, "email": name, "email_verified": True, "tenant_id": TENANT}
    own = {
        "access_token": {"typ": "Bearer"},
        "refresh_token": {"typ": "Refresh", "aud": issuer},  # as Keycloak's: it opens nothing but this realm
        # The vendor has the API server take `sub` as the name, and binds roles to the name that people log in with.
        "id_token": {"typ": "ID", "sub": name},
    }
    tokens = {key: app.key.signed({**claims, **more}) for key, more in own.items()}
    return {**tokens, "token_type": "Bearer", "expires_in": app.token_seconds, "scope": "openid email profile"}


def _v1(call: Call) -> tuple[int, Any]:
    body = fields(call.body, ["grantType"], _V1)
    kind = "client_credentials" if body["grantType"] == "app_token" else body["grantType"]
    try:
        tokens = granted(call.app, kind, {_V1[key]: str(value) for key, value in body.items() if key in _V1})
    except RefusedError as refusal:
        raise RefusedError(400, refusal.message, refusal.details) from refusal
    names = {"accessToken": "access_token", "idToken": "id_token", "refreshToken": "refresh_token"}
    return 200, {**{key: tokens[name] for key, name in names.items()}, "expiresIn": tokens["expires_in"]}


def _form(call: Call) -> dict[str, str]:
    if not isinstance(call.body, bytes):
        raise RefusedError(400, "the body must be application/x-www-form-urlencoded")
    form = dict(parse_qsl(call.body.decode()))
    if "grant_type" not in form:
        raise RefusedError(400, "missing required fields: grant_type")
    return form


def _v2(call: Call) -> tuple[int, Any]:
    form = _form(call)
    return 200, granted(call.app, form["grant_type"], form)


def _keycloak(call: Call) -> tuple[int, Any]:
    """The same, refused in Keycloak's words."""
    try:
        return _v2(call)
    except RefusedError as refusal:
        return refusal.status, {"error": refusal.message, "error_description": refusal.details}


def _discovery(call: Call) -> tuple[int, Any]:
    issuer = f"https://{call.app.domain}{REALM}"
    protocol = f"{issuer}/protocol/openid-connect"
    return 200, {
        "issuer": issuer,
        "authorization_endpoint": f"{protocol}/auth",
        "token_endpoint": f"{protocol}/token",
        "jwks_uri": f"{protocol}/certs",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


ROUTES = [
    Route("POST", "/api/v1/token", _v1, OPEN),
    Route("POST", "/api/v2/token", _v2, OPEN),
    Route("POST", f"{REALM}/protocol/openid-connect/token", _keycloak, OPEN),
    Route("GET", f"{REALM}/protocol/openid-connect/certs", lambda call: (200, {"keys": [call.app.key.public()]}), OPEN),
    Route("GET", f"{REALM}/.well-known/openid-configuration", _discovery, OPEN),
]
