"""Departments, projects and node pools, with the resources that each has of each pool."""

from typing import Any

from lab.parts.runai.standin.accounts import forget_rules, now
from lab.parts.runai.standin.clusters import cluster, state
from lab.parts.runai.standin.store import Body, TakenError
from lab.parts.runai.standin.web import ANYONE, Call, RefusedError, Route, fields, found, matching, page

_NAME = r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
_COMMON = ("description", "schedulingRules", "defaultNodePools", "nodeTypes")
_PROJECT = (*_COMMON, "enforceRunaiScheduler")
_FIXED = ("parentId", "requestedNamespace")
_RULES = (
    *("interactiveJobTimeLimitSeconds", "interactiveJobMaxIdleDurationSeconds"),
    *("interactiveJobPreemptIdleDurationSeconds", "trainingJobMaxIdleDurationSeconds", "trainingJobTimeLimitSeconds"),
)
_POOL = (
    *("overProvisioningRatio", "placementStrategy", "gpuNetworkAccelerationLabelKey", "schedulingConfiguration"),
    *("gpuNetworkAccelerationDetection", "gpuResourceOptimization", "networkTopologyId"),
)
RANKS = ("VeryLow", "Low", "MediumLow", "Medium", "MediumHigh", "High", "VeryHigh")


def resources(call: Call, uid: str, given: object, before: list[Body] | None = None) -> list[Body]:
    """One item for each node pool of the cluster; `before` keeps what the given items do not name (PATCH)."""
    if not isinstance(given, list):
        raise RefusedError(400, "resources must be an array")
    pools = {pool["id"]: pool for pool in call.store.all("node-pool", uid)}
    items = {}
    for item in given:
        fields(item, ["nodePool"], ["gpu", "cpu", "memory", "rank", "priority"])
        key = str(fields(item["nodePool"], ["id"], ["name"])["id"])
        if key not in pools:
            raise RefusedError(400, f"node pool {key} is not of cluster {uid}")
        items[key] = item
    old = {item["nodePool"]["id"]: item for item in before or ()}
    return [_item(pool, items.get(key, {}), old.get(key, {})) for key, pool in pools.items()]


def _item(pool: Body, given: Body, before: Body) -> Body:
    item: Body = {"nodePool": {"id": pool["id"], "name": pool["name"]}}
    for name in ("gpu", "cpu", "memory"):
        units = {"units": "Mib"} if name == "memory" else {}
        item[name] = {"deserved": 0, "limit": None, "overQuotaWeight": None, **units, **before.get(name, {})}
        part = given.get(name) or {}
        if part and name == "memory":
            matching("memory.units", "Mib|MB|GB", part.get("units"))
        item[name] |= fields(part, [], item[name])
        deserved, limit = _amount(name, item[name]["deserved"] or 0), item[name]["limit"]
        if limit is not None and _amount(name, limit) < deserved:
            raise RefusedError(400, f"{name}.limit {limit} of pool {pool['name']} is below {name}.deserved {deserved}")
        _amount(name, item[name]["overQuotaWeight"] or 0)
    item["rank"] = given.get("rank") or given.get("priority") or before.get("rank") or "MediumLow"
    matching("rank", "|".join(RANKS), item["rank"].replace(" ", ""))
    return item


def _amount(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise RefusedError(400, f"{name} {value!r} is not a number from 0")
    return value


def _check_rules(body: Body) -> None:
    for name, seconds in fields(body.get("schedulingRules") or {}, [], _RULES).items():
        if seconds is not None and (not isinstance(seconds, int) or seconds < 1):
            raise RefusedError(400, f"schedulingRules.{name} {seconds!r} is not a number of seconds from 1")


def _added(call: Call, kind: str, body: Body) -> Body:
    uid = body["clusterId"]
    if call.store.get("cluster", uid) is None:
        raise RefusedError(400, f"cluster {uid} was not found")
    matching("name", _NAME, body["name"])
    _check_rules(body)
    name = call.caller["name"]
    kept = {**body, "id": call.store.new_id(), "resources": resources(call, uid, body["resources"])}
    kept |= {"createdAt": now(), "updatedAt": now(), "createdBy": name, "updatedBy": name}
    try:
        return call.store.add(kind, body["name"], kept, uid)
    except TakenError as taken:
        raise RefusedError(409, f"{kind} {body['name']} already exists in cluster {uid}") from taken


def _one(call: Call, kind: str) -> Body:
    return found(call.store.get(kind, call.path[0]), kind, call.path[0])


def _shown(call: Call, kind: str, body: Body) -> Body:
    quota = {f"{name}Quota": sum(item[name]["deserved"] or 0 for item in body["resources"]) for name in ("gpu", "cpu")}
    shown = {**body, "totalResources": quota}
    if kind == "project":
        parent = call.store.get("department", body["parentId"]) or {}
        shown["parent"] = {"id": body["parentId"], "name": parent.get("name")}
    return shown


def _add_department(call: Call) -> tuple[int, Any]:
    body = fields(call.body, ["name", "clusterId", "resources"], _COMMON)
    return 201, _shown(call, "department", _added(call, "department", body))


def _add_project(call: Call) -> tuple[int, Any]:
    body = fields(call.body, ["name", "clusterId", "resources"], (*_PROJECT, *_FIXED))
    uid = body["clusterId"]
    departments = {each["id"]: each for each in call.store.all("department", uid)}
    default = next((key for key, each in departments.items() if each["name"] == "default"), None)
    parent = body.get("parentId") or default
    if call.store.get("cluster", uid) and parent not in departments:
        raise RefusedError(400, f"department {parent} is not of cluster {uid}")
    status = {"namespace": body.get("requestedNamespace") or f"runai-{body['name']}", "phase": "Creating"}
    first = {"enforceRunaiScheduler": True, "requestedNamespace": None, "description": "", "defaultNodePools": None}
    return 201, _shown(
        call, "project", _added(call, "project", {**first, **body, "parentId": parent, "status": status})
    )


def _change(call: Call, kind: str) -> tuple[int, Any]:
    allowed = (["resources"], _PROJECT) if kind == "project" else ([], (*_COMMON, "resources"))
    before, body = _one(call, kind), fields(call.body, *allowed)
    _check_rules(body)
    if "resources" in body:
        body["resources"] = resources(call, before["clusterId"], body["resources"])
    after = {**before, **body, "updatedAt": now(), "updatedBy": call.caller["name"]}
    return 200, _shown(call, kind, call.store.change(kind, after))


def _change_resources(call: Call, kind: str, *, part: bool) -> tuple[int, Any]:
    body = _one(call, kind)
    new = resources(call, body["clusterId"], call.body, body["resources"] if part else None)
    call.store.change(kind, {**body, "resources": new, "updatedAt": now(), "updatedBy": call.caller["name"]})
    return 200, new


def _remove_project(call: Call) -> tuple[int, Any]:
    return remove_project(call, _one(call, "project"))


def remove_project(call: Call, body: Body) -> tuple[int, Any]:
    """At once if the cluster never connected, else when its agent confirms it; the namespace stays."""
    if state(call, cluster(call, body["clusterId"])) == "WaitingToConnect":
        call.store.remove("project", body["id"])
        forget_rules(call.store, "scopeId", body["id"])
        return 204, None
    call.store.change("project", {**body, "status": {**body["status"], "phase": "Deleting"}})
    return 202, {"code": 202, "message": f"project {body['name']} is being deleted"}


def _remove_department(call: Call) -> tuple[int, Any]:
    body = _one(call, "department")
    for project in call.store.all("project", body["clusterId"]):
        if project["parentId"] == body["id"]:
            remove_project(call, project)
    call.store.remove("department", body["id"])
    forget_rules(call.store, "scopeId", body["id"])
    return 204, None


def _add_pool(call: Call) -> tuple[int, Any]:
    body = fields(call.body, ["name", "labelKey", "labelValue", "clusterId"], _POOL)
    cluster(call, body["clusterId"])
    matching("name", _NAME, body["name"])
    kept = {**body, "id": call.store.new_id(), "isDefault": False, "createdAt": now(), "updatedAt": now()}
    try:
        return 201, call.store.add("node-pool", body["name"], kept, body["clusterId"])
    except TakenError as taken:
        raise RefusedError(409, f"node pool {body['name']} already exists") from taken


def _change_pool(call: Call) -> tuple[int, Any]:
    body = fields(call.body, [], ("labelKey", "labelValue", *_POOL))
    return 200, call.store.change("node-pool", {**_one(call, "node-pool"), **body, "updatedAt": now()})


def _remove_pool(call: Call) -> tuple[int, Any]:
    body = _one(call, "node-pool")
    if body["isDefault"]:
        raise RefusedError(400, "the default node pool cannot be deleted")
    call.store.remove("node-pool", body["id"])
    for kind in ("project", "department"):
        for unit in call.store.all(kind, body["clusterId"]):
            kept = [item for item in unit["resources"] if item["nodePool"]["id"] != body["id"]]
            call.store.change(kind, {**unit, "resources": kept})
    return 204, None


def _list(call: Call, kind: str) -> list[Body]:
    return [_shown(call, kind, body) for body in call.store.all(kind)]


def _routes(kind: str, base: str, key: str) -> list[Route]:
    return [
        Route("GET", base, lambda call: (200, page(call, _list(call, kind), key)), ANYONE),
        Route("GET", f"{base}/count", lambda call: (200, {"count": len(call.store.all(kind))}), ANYONE),
        Route("GET", f"{base}/{{}}", lambda call: (200, _shown(call, kind, _one(call, kind))), ANYONE),
        Route("PUT", f"{base}/{{}}", lambda call: _change(call, kind)),
        Route("PUT", f"{base}/{{}}/resources", lambda call: _change_resources(call, kind, part=False)),
        Route("PATCH", f"{base}/{{}}/resources", lambda call: _change_resources(call, kind, part=True)),
    ]


_UNIT, _POOLS = "/api/v1/org-unit", "/api/v1/node-pools"
_DEPARTMENTS, _PROJECTS = f"{_UNIT}/departments", f"{_UNIT}/projects"
_ranks = [{"name": name, "value": place + 1, "isDefault": name == "MediumLow"} for place, name in enumerate(RANKS)]
ROUTES = [
    Route("POST", _DEPARTMENTS, _add_department),
    Route("DELETE", f"{_DEPARTMENTS}/{{}}", _remove_department),
    *_routes("department", _DEPARTMENTS, "departments"),
    Route("POST", _PROJECTS, _add_project),
    Route("DELETE", f"{_PROJECTS}/{{}}", _remove_project),
    *_routes("project", _PROJECTS, "projects"),
    Route("GET", f"{_UNIT}/ranks", lambda _call: (200, {"ranks": _ranks}), ANYONE),
    Route("GET", f"{_UNIT}/priorities", lambda _call: (200, {"priorities": _ranks}), ANYONE),
    Route("POST", _POOLS, _add_pool),
    Route("GET", _POOLS, lambda call: (200, page(call, call.store.all("node-pool"), "nodepools")), ANYONE),
    Route("GET", f"{_POOLS}/{{}}", lambda call: (200, _one(call, "node-pool")), ANYONE),
    Route("PUT", f"{_POOLS}/{{}}", _change_pool),
    Route("PATCH", f"{_POOLS}/{{}}", _change_pool),
    Route("DELETE", f"{_POOLS}/{{}}", _remove_pool),
]
