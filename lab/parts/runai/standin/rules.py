"""Roles, and access rules that give them to users, groups and service accounts in a scope."""

from typing import Any

from lab.parts.runai.standin.accounts import ADMINISTRATOR, TENANT, now
from lab.parts.runai.standin.store import Body, TakenError
from lab.parts.runai.standin.web import ANYONE, Call, RefusedError, Route, fields, found, matching, page

WRITES, READS = "researcher", "viewer"
ROLES = {
    ADMINISTRATOR: WRITES,
    "AI practitioner": WRITES,
    "Cloud operator": READS,
    "Data and storage administrator": READS,
    "Data source administrator": READS,
    "Data volume administrator": READS,
    "Department administrator": WRITES,
    "Department viewer": READS,
    "Editor": WRITES,
    "Environment administrator": READS,
    "Infrastructure administrator": READS,
    "L1 researcher": WRITES,
    "L2 researcher": WRITES,
    "ML engineer": WRITES,
    "Project administrator": WRITES,
    "Research manager": READS,
    "Template administrator": READS,
    "Viewer": READS,
}
"""What each lets do with workloads in a project. Their ids are their places, from 1."""

_SCOPES = {"cluster": "cluster", "department": "department", "project": "project"}
_SUBJECTS = "user|app|service-account|group"


def _role(place: int, name: str) -> Body:
    made = {"createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z", "createdBy": "system"}
    flags = {"enabled": True, "custom": False, "effectiveEnabled": True}
    return {"id": place, "name": name, "description": name, "permissions": [], **made, **flags}


_roles = [_role(place + 1, name) for place, name in enumerate(ROLES)]


def _one_role(call: Call) -> tuple[int, Any]:
    role = next((role for role in _roles if str(role["id"]) == call.path[0]), None)
    return 200, found(role, "role", call.path[0])


def _check_subject(call: Call, kind: str, subject: str) -> None:
    if kind == "user" and not any(user["username"] == subject for user in call.store.all("user")):
        raise RefusedError(404, f"user {subject} was not found")
    accounts = call.store.all("app") if kind in ("app", "service-account") else []
    if kind in ("app", "service-account") and not any(subject in (a["clientId"], a["id"]) for a in accounts):
        raise RefusedError(404, f"service account {subject} was not found")


def _scope_name(call: Call, kind: str, scope: str) -> str:
    if kind in _SCOPES:
        return str(found(call.store.get(_SCOPES[kind], scope), kind, scope)["name"])
    if kind == "tenant" and scope != str(TENANT):
        raise RefusedError(404, f"tenant {scope} was not found")
    return kind


def _add(call: Call) -> tuple[int, Any]:
    names = ["subjectId", "subjectType", "roleId", "scopeId", "scopeType"]
    body = fields(call.body, names, ["clusterId"])
    matching("subjectType", _SUBJECTS, body["subjectType"])
    matching("scopeType", "system|tenant|cluster|department|project", body["scopeType"])
    role = next((role for role in _roles if role["id"] == body["roleId"]), None)
    if role is None:
        raise RefusedError(400, f"role {body['roleId']!r} was not found")
    _check_subject(call, body["subjectType"], body["subjectId"])
    rule = {**body, "roleName": role["name"], "scopeName": _scope_name(call, body["scopeType"], body["scopeId"])}
    rule |= {"id": int(call.store.new_id()), "createdAt": now(), "updatedAt": now(), "tenantId": TENANT}
    rule |= {"createdBy": call.caller["name"], "status": {"phase": "Ready"}}
    name = f"{body['subjectId']}/{body['roleId']}/{body['scopeType']}/{body['scopeId']}"
    try:
        return 201, call.store.add("access-rule", name, rule)
    except TakenError as taken:
        raise RefusedError(409, f"access rule {name} already exists") from taken


def _list(call: Call) -> tuple[int, Any]:
    rules = call.store.all("access-rule")
    for key in ("subjectType", "clusterId", "scopeType", "scopeId", "roleId"):
        if wanted := call.one(key):
            rules = [rule for rule in rules if str(rule.get(key)) == wanted]
    if subjects := ",".join(call.query.get("subjectIds", [])):
        rules = [rule for rule in rules if rule["subjectId"] in subjects.split(",")]
    listed = page(call, rules, "accessRules")
    return 200, {**listed, "totalRecords": len(rules), "displayRecords": len(listed["accessRules"])}


def _one(call: Call) -> Body:
    return found(call.store.get("access-rule", call.path[0]), "access rule", call.path[0])


def _remove(call: Call) -> tuple[int, Any]:
    call.store.remove("access-rule", str(_one(call)["id"]))
    return 204, None


def of_project(rules: list[Body], project: Body) -> list[Body]:
    """What each subject may do in a project: the rules of its own scope and of those above it."""
    scopes = {("project", project["id"]), ("department", project["parentId"]), ("cluster", project["clusterId"])}
    scopes |= {("tenant", str(TENANT))}
    return [
        {"subject": rule["subjectId"], "kind": rule["subjectType"], "role": ROLES[rule["roleName"]]}
        for rule in rules
        if (rule["scopeType"], rule["scopeId"]) in scopes or rule["scopeType"] == "system"
    ]


_RULES = "/api/v1/authorization/access-rules"
ROUTES = [
    Route("POST", _RULES, _add),
    Route("GET", _RULES, _list, ANYONE),
    Route("GET", f"{_RULES}/{{}}", lambda call: (200, _one(call)), ANYONE),
    Route("DELETE", f"{_RULES}/{{}}", _remove),
    Route("GET", "/api/v1/authorization/roles", lambda _call: (200, _roles), ANYONE),
    Route("GET", "/api/v1/authorization/roles/{}", _one_role, ANYONE),
    Route("GET", "/api/v2/authorization/roles", lambda call: (200, page(call, _roles, "roles")), ANYONE),
    Route("GET", "/api/v2/authorization/roles/{}", _one_role, ANYONE),
]
