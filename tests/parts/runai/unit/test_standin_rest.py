"""The stand-in's REST API: what it keeps, and what it refuses as the real one does."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts.runai.standin import ADMIN, PASSWORD, Backend, backend, server

CLUSTERS, PROJECTS = "/api/v1/clusters", "/api/v1/org-unit/projects"
DEPARTMENTS, RULES = "/api/v1/org-unit/departments", "/api/v1/authorization/access-rules"


@pytest.fixture(scope="module")
def runai(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    limits = {"RUNAI_BOOTSTRAP_SECONDS": "2", "RUNAI_SILENCE_SECONDS": "1"}
    with backend(tmp_path_factory.mktemp("runai"), **limits) as running:
        yield running


def cluster(runai: Backend, name: str) -> Any:
    return runai.do("POST", CLUSTERS, {"name": name, "domain": f"{name}.lab", "version": "3.0.0"})


def share(runai: Backend, uid: str, **gpu: Any) -> list[dict[str, Any]]:
    pools = runai.do("GET", "/api/v1/node-pools")["nodepools"]
    pool = next(pool for pool in pools if pool["clusterId"] == uid)
    return [{"nodePool": {"id": pool["id"], "name": "default"}, "gpu": gpu}]


def project(runai: Backend, uid: str, name: str, **gpu: Any) -> Any:
    return runai.do("POST", PROJECTS, {"name": name, "clusterId": uid, "resources": share(runai, uid, **gpu)})


def credential(runai: Backend, uid: str) -> str:
    """The token of a cluster's agent."""
    info = runai.do("GET", f"{CLUSTERS}/{uid}/cluster-install-info?version=3.0.0")
    status, made = runai.ask("POST", f"/stand-in/clusters/{uid}/register", {}, token=info["bootstrapToken"])
    assert status == 201
    body = {"grantType": "client_credentials", "clientID": made["clientId"], "clientSecret": made["clientSecret"]}
    return str(runai.do("POST", "/api/v1/token", body)["accessToken"])


def test_its_page_says_what_it_is(runai: Backend) -> None:
    assert "This is not Run:ai" in runai.ask("GET", "/", token="")[1]


def test_tokens(runai: Backend) -> None:
    assert runai.refused("GET", CLUSTERS, token="")[0] == 401
    assert runai.refused("GET", CLUSTERS, token="a.b.c") == (401, "Unauthorized: the token is not a JWT")
    head, claims, signature = runai.token.split(".")
    assert runai.refused("GET", CLUSTERS, token=f"{head}.{claims}.{signature[:-4]}AAAA")[0] == 401
    wrong = runai.form("/api/v2/token", grant_type="password", username=ADMIN, password="wrong")
    assert wrong == (401, {"code": 401, "message": "invalid_grant", "details": "Invalid user credentials"})
    assert runai.form("/api/v2/token", username=ADMIN)[0] == 400
    body = {"grantType": "password", "username": ADMIN, "password": "wrong"}
    assert runai.refused("POST", "/api/v1/token", body)[0] == 400
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    issuer = runai.do("GET", "/auth/realms/runai/.well-known/openid-configuration")["issuer"]
    assert (said["iss"], said["aud"], said["email"]) == (issuer, "runai", ADMIN)
    status, tokens = runai.form("/api/v2/token", grant_type="password", username=ADMIN, password=PASSWORD)
    again = runai.form("/api/v2/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (status, again[0]) == (200, 200)


def test_service_accounts_may_what_a_rule_gives_them(runai: Backend) -> None:
    made = runai.do("POST", "/api/v1/service-accounts", {"name": "robot"})
    assert runai.refused("POST", "/api/v1/service-accounts", {"name": "robot"})[0] == 409
    assert runai.refused("POST", "/api/v1/service-accounts", {"name": "Robot"})[0] == 400
    grant = {"grant_type": "client_credentials", "client_id": made["clientId"], "client_secret": made["clientSecret"]}
    token = runai.form("/api/v2/token", **grant)[1]["access_token"]
    assert runai.refused("POST", CLUSTERS, {"name": "x"}, token=token)[0] == 403
    roles = {role["name"]: role["id"] for role in runai.do("GET", "/api/v2/authorization/roles?limit=500")["roles"]}
    rule = {"subjectId": made["clientId"], "subjectType": "service-account", "scopeId": "1001", "scopeType": "tenant"}
    runai.do("POST", RULES, {**rule, "roleId": roles["System administrator"]})
    status, body = runai.ask("POST", CLUSTERS, {"name": "robots"}, token=token)
    assert (status, body["status"]) == (201, {"state": "WaitingToConnect"})
    runai.do("PATCH", f"/api/v1/service-accounts/{made['id']}", {"enabled": False})
    assert runai.refused("GET", CLUSTERS, token=token)[0] == 401
    assert runai.form("/api/v2/token", **grant)[0] == 401


def test_users(runai: Backend) -> None:
    made = runai.do("POST", "/api/v1/users", {"email": "ana@runai.lab"})
    assert runai.refused("POST", "/api/v1/users", {"email": "ana@runai.lab"})[0] == 409
    assert runai.refused("POST", "/api/v1/users", {"email": "ana"})[0] == 400
    assert runai.refused("POST", "/api/v1/users", {}) == (400, "missing required fields: email")
    token = runai.log_in("ana@runai.lab", made["tempPassword"])
    change = {"currentPassword": made["tempPassword"], "newPassword": "weak"}
    assert runai.refused("POST", "/api/v1/me/password", change, token=token)[0] == 400
    change["newPassword"] = "Strong!234"
    assert runai.ask("POST", "/api/v1/me/password", change, token=token)[0] == 200
    assert runai.log_in("ana@runai.lab", "Strong!234")
    temporary = runai.do("POST", f"/api/v1/users/{made['id']}/password")["tempPassword"]
    grant = {"grant_type": "password", "username": "ana@runai.lab", "password": temporary}
    assert runai.form("/api/v2/token", **grant)[0] == 400  # it must be changed first
    runai.do("DELETE", f"/api/v1/users/{made['id']}")
    assert runai.refused("GET", f"/api/v1/users/{made['id']}")[0] == 404
    assert runai.refused("GET", CLUSTERS, token=token)[0] == 401


def test_clusters(runai: Backend) -> None:
    uid = cluster(runai, "one")["uuid"]
    assert runai.refused("POST", CLUSTERS, {"name": "one"}) == (409, "cluster one already exists")
    assert runai.refused("POST", CLUSTERS, {"name": ""})[0] == 400
    assert runai.refused("GET", f"{CLUSTERS}/none")[0] == 404
    assert runai.refused("GET", f"{CLUSTERS}/{uid}/cluster-install-info")[0] == 400
    newer = runai.refused("GET", f"{CLUSTERS}/{uid}/cluster-install-info?version=4.0.0")
    assert newer[0] == 400
    older = runai.do("GET", f"{CLUSTERS}/{uid}/cluster-install-info?version=2.25.0")
    assert older["clientSecret"]
    assert "bootstrapToken" not in older
    assert older == runai.do("GET", f"{CLUSTERS}/{uid}/cluster-install-info?version=2.25.0")
    assert f'--set cluster.uid="{uid}"' in older["installationStr"]
    assert runai.ask("DELETE", f"{CLUSTERS}/{uid}")[0] == 202
    assert uid not in {each["uuid"] for each in runai.do("GET", CLUSTERS)}
    assert uid in {each["uuid"] for each in runai.do("GET", f"{CLUSTERS}?includeRequestedForDelete=true")}
    assert runai.ask("DELETE", f"{CLUSTERS}/{uid}?force=true")[0] == 204
    assert runai.refused("GET", f"{CLUSTERS}/{uid}")[0] == 404


def test_a_clusters_state_and_its_bootstrap_token(runai: Backend) -> None:
    uid, other = cluster(runai, "states")["uuid"], cluster(runai, "others")["uuid"]
    info = runai.do("GET", f"{CLUSTERS}/{uid}/cluster-install-info?version=3.0.0")
    assert "clientSecret" not in info
    foreign = runai.refused("POST", f"/stand-in/clusters/{other}/register", {}, token=info["bootstrapToken"])
    assert foreign == (401, "Unauthorized: the bootstrap token is another cluster's")
    token = credential(runai, uid)
    path = f"/stand-in/clusters/{uid}/sync"
    assert runai.ask("POST", path, {"version": "3.0.0", "missing": ["Prometheus"]}, token=token)[0] == 200
    status = runai.do("GET", f"{CLUSTERS}/{uid}")["status"]
    assert status["state"] == "MissingPrerequisites"
    assert status["conditions"][0]["type"] == "Prometheus"
    assert runai.ask("POST", path, {"version": "3.0.0", "missing": []}, token=token)[0] == 200
    assert runai.do("GET", f"{CLUSTERS}/{uid}")["status"] == {"state": "Connected"}
    assert runai.refused("POST", path, {"version": "3.0.0"})[0] == 403  # an administrator is no agent
    time.sleep(2.1)
    assert runai.do("GET", f"{CLUSTERS}/{uid}")["status"] == {"state": "Disconnected"}
    late = runai.refused("POST", f"/stand-in/clusters/{uid}/register", {}, token=info["bootstrapToken"])
    assert late == (401, "Unauthorized: the token has expired")


def test_projects_and_departments(runai: Backend) -> None:
    uid = cluster(runai, "units")["uuid"]
    made = project(runai, uid, "vision", deserved=2, limit=4)
    assert made["status"] == {"namespace": "runai-vision", "phase": "Creating"}
    assert made["resources"][0]["gpu"] == {"deserved": 2, "limit": 4, "overQuotaWeight": None}
    assert made["parent"]["name"] == "default"
    body = {"name": "vision", "clusterId": uid, "resources": []}
    assert runai.refused("POST", PROJECTS, body)[0] == 409
    assert runai.refused("POST", PROJECTS, {**body, "name": "Vision"})[0] == 400
    assert runai.refused("POST", PROJECTS, {**body, "name": "x", "quota": 1}) == (400, "unknown fields: quota")
    assert runai.refused("POST", PROJECTS, {**body, "name": "x", "clusterId": "none"})[0] == 400
    assert runai.refused("PUT", f"{PROJECTS}/{made['id']}", {}) == (400, "missing required fields: resources")
    low = share(runai, uid, deserved=2, limit=1)
    assert runai.refused("PUT", f"{PROJECTS}/{made['id']}", {"resources": low})[0] == 400
    changed = runai.do("PATCH", f"{PROJECTS}/{made['id']}/resources", share(runai, uid, deserved=3))
    assert changed[0]["gpu"] == {"deserved": 3, "limit": 4, "overQuotaWeight": None}
    department = runai.do("POST", DEPARTMENTS, {"name": "research", "clusterId": uid, "resources": []})
    runai.do("POST", PROJECTS, {**body, "name": "speech", "parentId": department["id"]})
    listed = runai.do("GET", f"{PROJECTS}?filterBy=name==speech")["projects"]
    assert [each["parentId"] for each in listed] == [department["id"]]
    assert runai.do("GET", f"{PROJECTS}?limit=1")["next"] == 1
    assert runai.refused("GET", f"{PROJECTS}?limit=501")[0] == 400
    runai.do("DELETE", f"{DEPARTMENTS}/{department['id']}")
    assert runai.do("GET", f"{PROJECTS}?filterBy=name==speech")["projects"] == []


def test_a_connected_clusters_project_goes_when_its_agent_says_so(runai: Backend) -> None:
    uid = cluster(runai, "agents")["uuid"]
    made, token, path = project(runai, uid, "gone"), credential(runai, uid), f"/stand-in/clusters/{uid}/sync"
    report = {"version": "3.0.0", "missing": [], "phases": {made["id"]: "Ready"}}
    runai.ask("POST", path, report, token=token)
    assert runai.do("GET", f"{PROJECTS}/{made['id']}")["status"]["phase"] == "Ready"
    assert runai.ask("DELETE", f"{PROJECTS}/{made['id']}")[0] == 202
    assert runai.do("GET", f"{PROJECTS}/{made['id']}")["status"]["phase"] == "Deleting"
    assert runai.ask("POST", path, {**report, "gone": [made["id"]]}, token=token)[1]["projects"] == []
    assert runai.refused("GET", f"{PROJECTS}/{made['id']}")[0] == 404


def test_access_rules(runai: Backend) -> None:
    uid = cluster(runai, "rules")["uuid"]
    made, user = project(runai, uid, "rules"), runai.do("POST", "/api/v1/users", {"email": "ben@runai.lab"})
    roles = {role["name"]: role["id"] for role in runai.do("GET", "/api/v1/authorization/roles")}
    body = {"subjectId": "ben@runai.lab", "subjectType": "user", "roleId": roles["L1 researcher"]}
    body |= {"scopeId": made["id"], "scopeType": "project", "clusterId": uid}
    rule = runai.do("POST", RULES, body)
    assert (rule["roleName"], rule["scopeName"]) == ("L1 researcher", "rules")
    status, message = runai.refused("POST", RULES, body)
    assert (status, "already exists" in message) == (409, True)
    assert runai.refused("POST", RULES, {**body, "subjectId": "nobody@runai.lab"})[0] == 404
    assert runai.refused("POST", RULES, {**body, "scopeId": "0"})[0] == 404
    assert runai.refused("POST", RULES, {**body, "roleId": 999})[0] == 400
    runai.do("DELETE", f"/api/v1/users/{user['id']}")
    assert runai.refused("GET", f"{RULES}/{rule['id']}")[0] == 404


def test_all_is_in_the_database_and_hops_are_short(tmp_path: Path) -> None:
    with backend(tmp_path, "2.25.0") as runai:
        uid = cluster_25(runai)
        newer = runai.refused("GET", f"{CLUSTERS}/{uid}/cluster-install-info?version=3.0.0")
        assert newer == (400, "cluster version 3.0.0 is newer than the control plane's 2.25.0")
        (tmp_path / "second").mkdir()
        with server(tmp_path / "second", runai.database, "3.0.0") as upgraded:
            assert upgraded.do("GET", f"{CLUSTERS}/{uid}")["name"] == "kept"
            assert upgraded.ask("GET", CLUSTERS, token=runai.token)[0] == 200  # the key is kept, too


def cluster_25(runai: Backend) -> str:
    return str(runai.do("POST", CLUSTERS, {"name": "kept", "version": "2.25.0"})["uuid"])
