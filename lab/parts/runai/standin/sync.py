"""What a cluster's agent tells and gets, by a call of the stand-in's own: the real one's is not documented."""

import time
from typing import Any

from lab.parts.runai.standin import clusters, releases, rules
from lab.parts.runai.standin.accounts import forget_rules, now
from lab.parts.runai.standin.store import Body
from lab.parts.runai.standin.web import ANYONE, CLUSTER, Call, RefusedError, Route, fields, page

_REPORT = ("version", "missing", "nodes", "phases", "gone", "removed")


def _sync(call: Call) -> tuple[int, Any]:
    report, body = fields(call.body, ["version"], _REPORT), clusters.cluster(call)
    if releases.newer(report["version"], call.app.version):
        told = f"cluster version {report['version']} is newer than the control plane's {call.app.version}"
        raise RefusedError(400, told)
    if report.get("removed"):
        clusters.forget(call.store, body["id"])
        return 200, {"removed": True}
    seen = {"version": report["version"], "missing": report.get("missing", []), "nodes": report.get("nodes", [])}
    call.store.change("cluster", {**body, **seen, "lastSeen": time.time(), "lastLiveness": now()})
    return 200, {"removed": bool(body.get("deleteRequestedAt")), **_wanted(call, body["id"], report)}


def _wanted(call: Call, uid: str, report: Body) -> Body:
    projects, everyone = [], call.store.all("access-rule")
    for project in call.store.all("project", uid):
        if project["id"] in report.get("gone", []):
            call.store.remove("project", project["id"])
            forget_rules(call.store, "scopeId", project["id"])
            continue
        phase = report.get("phases", {}).get(project["id"])
        status = project["status"]
        if phase and status["phase"] not in ("Deleting", phase):
            call.store.change("project", {**project, "status": {**status, "phase": phase}})
        projects.append({**project, "rules": rules.of_project(everyone, project)})
    return {"projects": projects, "nodePools": call.store.all("node-pool", uid)}


def _nodes(call: Call) -> tuple[int, Any]:
    everything = [
        {**node, "clusterUuid": body["id"]} for body in call.store.all("cluster") for node in body.get("nodes", [])
    ]
    return 200, page(call, everything, "nodes")


ROUTES = [
    Route("POST", "/stand-in/clusters/{}/sync", _sync, CLUSTER),
    Route("GET", "/api/v1/nodes", _nodes, ANYONE),
]
