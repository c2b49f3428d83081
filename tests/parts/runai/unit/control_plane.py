"""The documented calls of Run:ai's REST API in this process (2.24's pages), as far as objects need them."""

import base64
import gzip
import json
from itertools import count
from typing import Any

from tests.unit.https import PASSWORD, Answer, Asked

ADMIN = "admin@site.example"
ROLES = ["System administrator", "L1 researcher", "L2 researcher"]
TOKEN = "canary-access-token"
BOOTSTRAP = "canary-bootstrap-token"
TEMPORARY = "canary-temporary-1"


class Refused(Exception):  # noqa: N818 - an answer
    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.answer = (status, {"code": status, "message": message})


class ControlPlane:
    """Its state is in `of`: objects by id, by path."""

    def __init__(self) -> None:
        self.password = PASSWORD
        self.number = count(100)
        self.of: dict[str, dict[str, dict[str, Any]]] = {}
        self.state = "Connected"
        self.graceful = False
        """Projects are removed only when the cluster confirms it."""
        self.logins = 0

    def __call__(self, asked: Asked) -> Answer:
        try:
            if asked.path == "/api/v2/token":
                return self.log_in(asked.body)
            if asked.token != TOKEN:
                raise Refused(401, "Unauthorized")
            return self.routed(asked)
        except Refused as refused:
            return refused.answer

    def log_in(self, form: dict[str, str]) -> Answer:
        if form["grant_type"] == "password" and form["password"] != self.password:
            raise Refused(401, "invalid_grant")
        self.logins += 1
        return 200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "canary-fresh"}

    def routed(self, asked: Asked) -> Answer:
        kind, _, rest = self.split(asked.path)
        there = self.of.setdefault(kind, {})
        if asked.path == "/api/v1/me/password":
            if asked.body["currentPassword"] != self.password:
                raise Refused(400, "currentPassword is wrong")
            self.password = asked.body["newPassword"]
            return 200, asked.body
        if not rest:
            return (200, self.listed(kind, asked)) if asked.method == "GET" else (201, self.added(kind, asked.body))
        id_, _, more = rest.partition("/")
        if id_ not in there:
            raise Refused(404, f"{id_} was not found")
        if more == "cluster-install-info":
            return 200, {"installationStr": "", "repositoryName": "r", "chartRepoURL": "https://c", **self.info(asked)}
        return self.one(kind, id_, asked)

    def one(self, kind: str, id_: str, asked: Asked) -> Answer:
        found = self.of[kind][id_]
        if asked.method == "DELETE":
            if kind == "projects" and self.graceful:
                found["status"] = {**found["status"], "phase": "Deleting"}
                return 202, {"code": 202, "message": "later"}
            del self.of[kind][id_]
            return 204, None
        if asked.method == "GET":
            return 200, found
        fixed = {"name", "clusterId", "parentId", "requestedNamespace"} - ({"name"} if kind == "clusters" else set())
        if wrong := fixed & set(asked.body):
            raise Refused(400, f"unknown fields: {sorted(wrong)}")
        if kind == "projects" and "resources" not in asked.body:
            raise Refused(400, "missing required fields: resources")
        found.update(asked.body)
        return (204, None) if kind == "clusters" else (200, found)

    def split(self, path: str) -> tuple[str, str, str]:
        names = ["clusters", "departments", "projects", "node-pools", "users", "access-rules", "roles"]
        for name in [*names, "me"]:
            before, found, rest = path.partition(f"/{name}")
            if found and (not rest or rest.startswith("/")):
                return name, before, rest[1:]
        raise Refused(404, f"no {path}")

    def info(self, asked: Asked) -> dict[str, str]:
        token = f"{BOOTSTRAP}-{next(self.number)}"
        return {"clientSecret" if asked.query["version"].startswith("2.") else "bootstrapToken": token}

    def listed(self, kind: str, asked: Asked) -> Any:
        if kind == "roles":
            return {"roles": [{"id": number + 1, "name": name} for number, name in enumerate(ROLES)]}
        items = list(self.of[kind].values())
        if kind in {"clusters", "users"}:
            return items
        start, end = int(asked.query["offset"]), int(asked.query["offset"]) + min(2, int(asked.query["limit"]))
        key = {"node-pools": "nodepools", "access-rules": "accessRules"}.get(kind, kind)
        more = {"next": end} if len(items) > end else {}
        return {key: items[start:end], **more}

    def added(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        made = self.made(kind, body)
        names = [str(each.get("name") or each.get("username")) for each in self.of[kind].values()]
        if kind != "access-rules" and str(made.get("name") or made.get("username")) in names:
            raise Refused(409, "already exists")
        self.of[kind][str(made.get("uuid") or made["id"])] = made
        return {**made, "tempPassword": TEMPORARY} if kind == "users" else made

    def made(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        number = next(self.number)
        match kind:
            case "clusters":
                return self.cluster(body)
            case "projects":
                return self.project(body)
            case "users":
                return {"id": f"u{number}", "username": body["email"]}
            case "access-rules":
                return {**body, "id": number, "roleName": ROLES[body["roleId"] - 1]}
            case _:
                return {"id": str(number), **body}

    def cluster(self, body: dict[str, Any]) -> dict[str, Any]:
        uid = f"uid-{next(self.number)}"
        own = {"name": "default", "clusterId": uid}
        pool: dict[str, Any] = {"id": str(next(self.number)), **own, "isDefault": True}
        self.of.setdefault("node-pools", {})[pool["id"]] = pool
        department: dict[str, Any] = {
            "id": str(next(self.number)),
            "name": "default",
            "clusterId": uid,
            "resources": [],
        }
        self.of.setdefault("departments", {})[department["id"]] = department
        return {"uuid": uid, **body, "status": {"state": self.state}}

    def project(self, body: dict[str, Any]) -> dict[str, Any]:
        namespace = body.get("requestedNamespace") or f"runai-{body['name']}"
        return {"id": str(next(self.number)), **body, "status": {"namespace": namespace, "phase": "Ready"}}


def release(uid: str) -> str:
    """What kubectl prints of the Secrets of a Helm release."""
    stored = base64.b64encode(gzip.compress(json.dumps({"config": {"cluster": {"uid": uid}}}).encode()))
    data = {"release": base64.b64encode(stored).decode()}
    return json.dumps({"items": [{"metadata": {"labels": {"version": "2"}}, "data": data}]})
