"""Clusters: made, installed, connected and removed."""

import secrets
import time
import uuid
from typing import Any

from lab.parts.runai.standin import releases
from lab.parts.runai.standin.accounts import TENANT, forget_rules, hashed, now
from lab.parts.runai.standin.keys import TokenError
from lab.parts.runai.standin.store import Body, Store, TakenError
from lab.parts.runai.standin.web import ANYONE, OPEN, Call, RefusedError, Route, fields, found

REPOSITORY = "https://helm.ngc.nvidia.com/nvidia/runai-oss"


def cluster(call: Call, key: str | None = None) -> Body:
    """A cluster by its uuid, that of the path if no other is given. Refuses the call with 404."""
    uid = call.path[0] if key is None else key
    return found(call.store.get("cluster", uid), "cluster", uid)


def state(call: Call, body: Body) -> str:
    """As the API names it, by the last report of the cluster's agent."""
    if "lastSeen" not in body:
        return "WaitingToConnect"
    if time.time() - body["lastSeen"] > call.app.silence_seconds:
        return "Disconnected"
    return "MissingPrerequisites" if body["missing"] else "Connected"


def _shown(call: Call, body: Body) -> Body:
    shown = {key: body.get(key) for key in ("name", "domain", "version", "createdAt", "updatedAt", "lastLiveness")}
    shown |= {"uuid": body["id"], "tenantId": TENANT, "deleteRequestedAt": body.get("deleteRequestedAt")}
    status: Body = {"state": state(call, body)}
    if status["state"] == "MissingPrerequisites":
        status["conditions"] = [{"type": name, "status": "False"} for name in body["missing"]]
    return {**shown, "status": status}


def _add(call: Call) -> tuple[int, Any]:
    body = fields(call.body, ["name"], ["domain", "version"])
    if body.get("version"):
        _check_version(call, body["version"])
    uid = str(uuid.uuid4())
    kept = {**body, "id": uid, "clientId": f"cluster-{uid}", "createdAt": now(), "updatedAt": now(), "secret": ":"}
    try:
        call.store.add("cluster", body["name"], kept)
    except TakenError as taken:
        raise RefusedError(409, f"cluster {body['name']} already exists") from taken
    _first_objects(call.store, uid)
    return 201, _shown(call, kept)


def _first_objects(store: Store, uid: str) -> None:
    """The node pool and the department that each cluster has."""
    common = {"clusterId": uid, "createdAt": now(), "updatedAt": now(), "createdBy": "", "name": "default"}
    pool = {**common, "id": store.new_id(), "labelKey": "", "labelValue": "", "isDefault": True}
    store.add("node-pool", "default", pool, uid)
    store.add("department", "default", {**common, "id": store.new_id(), "resources": []}, uid)


def _list(call: Call) -> tuple[int, Any]:
    marked = call.one("includeRequestedForDelete") == "true"
    listed = [body for body in call.store.all("cluster") if marked or not body.get("deleteRequestedAt")]
    return 200, [_shown(call, body) for body in listed]


def _rename(call: Call) -> tuple[int, Any]:
    body = {**cluster(call), "name": fields(call.body, ["name"])["name"], "updatedAt": now()}
    try:
        call.store.change("cluster", body, body["name"])
    except TakenError as taken:
        raise RefusedError(409, f"cluster {body['name']} already exists") from taken
    return 204, None


def _remove(call: Call) -> tuple[int, Any]:
    body = cluster(call)
    if call.one("force") == "true":
        forget(call.store, body["id"])
        return 204, None
    # The name is free again at once, as the list has the cluster no more.
    call.store.change("cluster", {**body, "deleteRequestedAt": now()}, f"{body['name']} {body['id']}")
    return 202, {"code": 202, "message": "the cluster is removed when its agent has confirmed it"}


def forget(store: Store, uid: str) -> None:
    """Removes a cluster and all that belongs to it."""
    for kind in ("project", "department", "node-pool"):
        for each in store.all(kind, uid):
            store.remove(kind, each["id"])
            forget_rules(store, "scopeId", each["id"])
    forget_rules(store, "scopeId", uid)
    store.remove("cluster", uid)


def _check_version(call: Call, version: str) -> None:
    try:
        newer = releases.newer(version, call.app.version)
    except ValueError as error:
        raise RefusedError(400, str(error)) from error
    if newer:
        raise RefusedError(400, f"cluster version {version} is newer than the control plane's {call.app.version}")


def _install_info(call: Call) -> tuple[int, Any]:
    body, version = cluster(call), call.one("version")
    if not version:
        raise RefusedError(400, "missing required parameter: version")
    _check_version(call, version)
    url = call.one("remoteClusterUrl") or body.get("domain") or ""
    values = {"controlPlane.url": call.app.domain, "cluster.uid": body["id"], "cluster.url": url}
    if version.startswith("2."):
        secret = body.get("clientSecret") or secrets.token_urlsafe(24)
        call.store.change("cluster", {**body, "clientSecret": secret, "secret": hashed(secret)})
        credential = {"clientSecret": secret}
    else:
        claims = {"typ": "Bootstrap", "sub": body["id"], "exp": int(time.time()) + call.app.bootstrap_seconds}
        credential = {"bootstrapToken": call.app.key.signed(claims)}
    values |= {f"controlPlane.{key}": value for key, value in credential.items()}
    settings = " ".join(f'--set {key}="{value}"' for key, value in values.items())
    command = f"helm upgrade -i runai-cluster runai/runai-cluster -n runai {settings} --version={version}"
    command = f"helm repo add runai {REPOSITORY}\nhelm repo update\n{command} --create-namespace"
    return 200, {"installationStr": command, "repositoryName": "runai", "chartRepoURL": REPOSITORY, **credential}


def _register(call: Call) -> tuple[int, Any]:
    """An agent's bootstrap token becomes a credential of its own."""
    try:
        claims = call.app.key.claims(call.token, "Bootstrap")
    except TokenError as bad:
        raise RefusedError(401, f"Unauthorized: {bad}") from bad
    body = cluster(call)
    if claims["sub"] != body["id"]:
        raise RefusedError(401, "Unauthorized: the bootstrap token is another cluster's")
    secret = secrets.token_urlsafe(24)
    call.store.change("cluster", {**body, "secret": hashed(secret)})
    return 201, {"clientId": body["clientId"], "clientSecret": secret}


_BASE = "/api/v1/clusters"
ROUTES = [
    Route("POST", _BASE, _add),
    Route("GET", _BASE, _list, ANYONE),
    Route("GET", f"{_BASE}/{{}}", lambda call: (200, _shown(call, cluster(call))), ANYONE),
    Route("GET", f"{_BASE}/{{}}/minimal", lambda call: (200, _minimal(cluster(call))), ANYONE),
    Route("PUT", f"{_BASE}/{{}}", _rename),
    Route("DELETE", f"{_BASE}/{{}}", _remove),
    Route("GET", f"{_BASE}/{{}}/cluster-install-info", _install_info),
    Route("POST", "/stand-in/clusters/{}/register", _register, OPEN),
]


def _minimal(body: Body) -> Body:
    return {"uuid": body["id"], "name": body["name"], "domain": body.get("domain")}
