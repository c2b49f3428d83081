"""The stand-in of Rancher on a real API server: what it makes of projects, members and users, and what it refuses.

Does not prove: Rancher itself.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.kube import CORE, RBAC, KubeError
from lab.parts.rancher.standin import builtin
from lab.parts.rancher.standin.kinds import RANCHER
from tests.parts.rancher.standin import BOOTSTRAP, PASSWORD, Rancher, rancher
from tests.plugins.api_server import until

NAMESPACES, PROJECTS = f"{CORE}/namespaces", f"{RANCHER}/namespaces/local/projects"
QUOTA = {"limitsCpu": "4", "extended": {"requests.nvidia.com/gpu": "2"}}
DEFAULT = {"limitsCpu": "2", "extended": {"requests.nvidia.com/gpu": "1"}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rancher]:
    with rancher(tmp_path_factory.mktemp("rancher")) as running:
        yield running


def project(name: str, **spec: Any) -> dict[str, Any]:
    spec = {"displayName": name, "clusterName": "local", **spec}
    top = {"apiVersion": "management.cattle.io/v3", "kind": "Project"}
    return {**top, "metadata": {"name": f"p-{name}", "namespace": "local"}, "spec": spec}


def quotas(most: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    return {"resourceQuota": {"limit": most}, "namespaceDefaultResourceQuota": {"limit": default}}


def namespace(name: str, of: str, **annotations: str) -> dict[str, Any]:
    known = {"field.cattle.io/projectId": f"local:p-{of}", **annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": known}}


def member(of: str, user: str, role: str = "project-member", **more: Any) -> dict[str, Any]:
    top = {"apiVersion": "management.cattle.io/v3", "kind": "ProjectRoleTemplateBinding"}
    named = {"projectName": f"local:p-{of}", "roleTemplateName": role, "userName": user}
    return {**top, "metadata": {"name": f"gm-{user}", "namespace": f"local-p-{of}"}, **named, **more}


def members(of: str) -> str:
    return f"{RANCHER}/namespaces/local-p-{of}/projectroletemplatebindings"


def person(lab: Rancher, username: str) -> str:
    """A new user's id."""
    body = {"username": username, "password": PASSWORD, "name": username, "mustChangePassword": True}
    status, made = lab.call("POST", "/v3/users", body, lab.login())
    assert (status, made["mustChangePassword"]) == (201, True), made
    return str(made["id"])


def hard(lab: Rancher, name: str) -> dict[str, str]:
    """The quota in a namespace, empty if there is none."""
    found = lab.kube.items(f"{NAMESPACES}/{name}/resourcequotas")
    return dict(found[0]["spec"]["hard"]) if found else {}


def refused(lab: Rancher, method: str, path: str, body: dict[str, Any] | None = None) -> str:
    with pytest.raises(KubeError) as caught:
        lab.kube.ask(method, path, body)
    assert caught.value.status == 400
    return str(caught.value)


def test_a_project_s_namespaces_share_its_quota_and_stay_when_it_goes(lab: Rancher) -> None:
    lab.kube.ask("POST", NAMESPACES, namespace("vision", "vision"))
    made = lab.kube.ask("POST", PROJECTS, project("vision", **quotas(QUOTA, DEFAULT)))
    assert made["status"]["backingNamespace"] == "local-p-vision"
    until(lambda: hard(lab, "vision") == {"limits.cpu": "2", "requests.nvidia.com/gpu": "1"})
    until(lambda: lab.kube.ask("GET", f"{PROJECTS}/p-vision")["spec"]["resourceQuota"].get("usedLimit") == DEFAULT)
    found = lab.kube.ask("GET", f"{NAMESPACES}/vision")["metadata"]
    assert found["labels"]["field.cattle.io/projectId"] == "p-vision"
    assert found["finalizers"] == ["controller.cattle.io/namespace-auth"]
    own = {"field.cattle.io/resourceQuota": json.dumps({"limit": {**DEFAULT, "limitsCpu": "3500m"}})}
    lab.kube.ask("PATCH", f"{NAMESPACES}/vision", {"metadata": {"annotations": own}})
    until(lambda: hard(lab, "vision")["limits.cpu"] == "3500m")
    lab.kube.ask("POST", NAMESPACES, namespace("vision-more", "vision"))
    until(lambda: hard(lab, "vision-more") == {"limits.cpu": "0", "requests.nvidia.com/gpu": "1"})
    said = lab.kube.ask("GET", f"{NAMESPACES}/vision-more")["metadata"]["annotations"]["cattle.io/status"]
    assert "Resource quota [limits.cpu=5500m] exceeds project limit" in said
    lab.kube.remove(f"{PROJECTS}/p-vision")
    until(lambda: lab.kube.get(f"{NAMESPACES}/local-p-vision") is None)
    until(lambda: not hard(lab, "vision"))
    assert "annotations" not in lab.kube.ask("GET", f"{NAMESPACES}/vision")["metadata"]
    lab.kube.remove(f"{NAMESPACES}/vision")
    until(lambda: lab.kube.get(f"{NAMESPACES}/vision") is None)


def test_a_member_may_work_in_the_project_s_namespaces_only_and_as_long_as_bound(lab: Rancher) -> None:
    user = person(lab, "ana")
    lab.kube.ask("POST", PROJECTS, project("audio"))
    until(lambda: lab.kube.get(f"{NAMESPACES}/local-p-audio"))
    lab.kube.ask("POST", members("audio"), member("audio", user))
    assert not lab.may(user, "create", "pods", "audio")
    lab.kube.ask("POST", NAMESPACES, namespace("audio", "audio"))
    until(lambda: lab.may(user, "create", "pods", "audio"))
    until(lambda: lab.may(user, "get", "projectroletemplatebindings.management.cattle.io", "local-p-audio"))
    assert not lab.may(user, "create", "projectroletemplatebindings.management.cattle.io", "local-p-audio")
    assert not lab.may(user, "create", "pods", "default")
    assert not lab.may(user, "create", "rolebindings.rbac.authorization.k8s.io", "audio")
    assert lab.kube.ask("GET", f"{members('audio')}/gm-{user}")["userPrincipalName"] == f"local://{user}"
    lab.kube.remove(f"{members('audio')}/gm-{user}")
    until(lambda: not lab.may(user, "create", "pods", "audio"))


def test_a_user_s_end_is_that_of_bindings_tokens_and_password(lab: Rancher) -> None:
    user = person(lab, "ben")
    binding = {"metadata": {"name": f"gm-{user}"}, "userName": user, "globalRoleName": "admin"}
    binding |= {"apiVersion": "management.cattle.io/v3", "kind": "GlobalRoleBinding"}
    made = lab.kube.ask("POST", f"{RANCHER}/globalrolebindings", binding)
    assert made["metadata"]["ownerReferences"][0]["name"] == "admin"
    until(lambda: lab.may(user, "delete", "nodes"))
    token = lab.login("ben", PASSWORD)
    lab.kube.remove(f"{RANCHER}/users/{user}")
    until(lambda: lab.kube.get(f"{RANCHER}/users/{user}") is None)
    assert lab.call("GET", "/v3/users", token=token)[0] == 401
    until(lambda: not lab.may(user, "delete", "nodes"))
    assert lab.kube.get(f"{CORE}/namespaces/cattle-local-user-passwords/secrets/{user}") is None
    assert lab.kube.get(f"{RBAC}/clusterrolebindings/cattle-globalrolebinding-gm-{user}") is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"resourceQuota": {"limit": QUOTA}}, "namespaceDefaultResourceQuota: Required value: required when"),
        (quotas(QUOTA, {"limitsCpu": "1"}), "do not have the same resources defined"),
        (quotas({"limitsCpu": "1"}, {"pods": "1"}), "missing namespace default for resource limits.cpu"),
        (quotas({"limitsCpu": "1"}, {"limitsCpu": "1100m"}), "exceeds project limit on fields: limits.cpu=1100m"),
        (quotas({"limitsCpu": "one"}, {"limitsCpu": "1"}), "quantities must match"),
        ({"clusterName": "other"}, "clusterName and project namespace must match"),
        ({"containerDefaultResourceLimit": {"limitsCpu": "1"}}, "failed to parse container default CPU"),
    ],
)
def test_projects_that_are_refused(lab: Rancher, spec: dict[str, Any], said: str) -> None:
    assert said in refused(lab, "POST", PROJECTS, project("bad", **spec))


def test_other_objects_that_are_refused(lab: Rancher) -> None:
    lab.kube.ask("POST", PROJECTS, project("radar", **quotas(QUOTA, DEFAULT)))
    until(lambda: lab.kube.get(f"{NAMESPACES}/local-p-radar"))
    radar = members("radar")
    assert 'roletemplates.management.cattle.io "none" not found' in refused(
        lab, "POST", radar, member("radar", "u", "none")
    )
    assert 'Unsupported value: "cluster"' in refused(lab, "POST", radar, member("radar", "u", "cluster-owner"))
    assert "must target only a user" in refused(lab, "POST", radar, member("radar", "u", groupName="g"))
    assert "not found in local" in refused(lab, "POST", radar, member("radar", "u", projectName="local:p-none"))
    lab.kube.ask("POST", radar, member("radar", "u"))
    for key, value in (("userName", "other"), ("roleTemplateName", "read-only")):
        assert f"{key}: Invalid value" in refused(lab, "PATCH", f"{radar}/gm-u", {key: value})
    lab.kube.ask("POST", NAMESPACES, namespace("radar", "radar"))
    until(lambda: lab.kube.ask("GET", f"{PROJECTS}/p-radar")["spec"]["resourceQuota"].get("usedLimit"))
    less = quotas({**QUOTA, "limitsCpu": "1"}, {**DEFAULT, "limitsCpu": "1"})
    assert "is below the used limit on fields: limits.cpu=2" in refused(
        lab, "PATCH", f"{PROJECTS}/p-radar", {"spec": less}
    )
    again = {"apiVersion": "management.cattle.io/v3", "kind": "User", "metadata": {"name": "u-2"}, "username": "admin"}
    assert "username already exists" in refused(lab, "POST", f"{RANCHER}/users", again)
    system = lab.kube.items(PROJECTS, "authz.management.cattle.io/system-project=true")[0]["metadata"]["name"]
    assert "System Project cannot be deleted" in refused(lab, "DELETE", f"{PROJECTS}/{system}")


def test_a_password_by_a_secret_is_hashed(lab: Rancher) -> None:
    user = {"apiVersion": "management.cattle.io/v3", "kind": "User", "metadata": {"name": "cleo"}, "username": "cleo"}
    secrets = f"{CORE}/namespaces/cattle-local-user-passwords/secrets"
    secret = {"metadata": {"name": "cleo"}, "stringData": {"password": PASSWORD}}
    assert 'users.management.cattle.io "cleo" not found' in refused(lab, "POST", secrets, secret)
    lab.kube.ask("POST", f"{RANCHER}/users", user)
    weak = {**secret, "stringData": {"password": "short"}}
    assert "Password must be at least 12 characters" in refused(lab, "POST", secrets, weak)
    made = lab.kube.ask("POST", secrets, secret)
    assert made["metadata"]["annotations"] == {"cattle.io/password-hash": "pbkdf2sha3512"}
    assert lab.login("cleo", PASSWORD)


def test_rest(lab: Rancher) -> None:
    bad = {"type": "localProvider", "username": "admin", "password": "wrong"}
    status, error = lab.call("POST", "/v1-public/login", bad)
    assert (status, error["code"], error["baseType"]) == (401, "Unauthorized", "error")
    assert lab.call("GET", "/v3/users")[0] == 401
    token = lab.login()
    [me] = lab.call("GET", "/v3/users?me=true", token=token)[1]["data"]
    assert (me["username"], me["mustChangePassword"]) == ("admin", True)
    for body, said in (
        ({"currentPassword": BOOTSTRAP, "newPassword": "short"}, "at least 12 characters"),
        ({"currentPassword": "wrong", "newPassword": PASSWORD}, "invalid current password"),
        ({"currentPassword": BOOTSTRAP, "newPassword": BOOTSTRAP}, "must not be the same as the current password"),
        ({"newPassword": PASSWORD}, "must specify current password"),
    ):
        status, error = lab.call("POST", "/v3/users?action=changepassword", body, token)
        assert (status, error["code"]) == (422, "InvalidBodyContent")
        assert said in error["message"]
    assert lab.call("GET", "/v3/settings/first-login", token=token)[1]["value"] == "true"
    body = {"currentPassword": BOOTSTRAP, "newPassword": PASSWORD}
    assert lab.call("POST", "/v3/users?action=changepassword", body, token)[0] == 200
    assert lab.call("GET", "/v3/settings/first-login", token=token)[1]["value"] == "false"
    assert lab.call("POST", "/v1-public/login", {**bad, "password": BOOTSTRAP})[0] == 401
    token = lab.login(password=PASSWORD)
    url = {"name": "server-url", "value": "https://rancher.lab"}
    assert lab.call("PUT", "/v3/settings/server-url", url, token)[1]["value"] == "https://rancher.lab"
    assert lab.call("PUT", "/v3/settings/cacerts", url, token)[1]["code"] == "MethodNotAllow"
    assert lab.call("PUT", "/v3/settings/none", url, token)[1]["code"] == "NotFound"
    again = {"username": "admin", "password": PASSWORD}
    status, error = lab.call("POST", "/v3/users", again, token)
    assert (status, error["code"], error["fieldName"]) == (422, "NotUnique", "username")
    status, error = lab.call("DELETE", f"/v3/users/{me['id']}", token=token)
    assert (status, error["code"]) == (422, "InvalidAction")
    status, made = lab.call("POST", "/v3/tokens", {"description": "of a test", "ttl": 60_000}, token)
    assert (status, made["ttl"]) == (201, 60_000)
    assert lab.call("GET", f"/v3/tokens/{made['id']}", token=made["token"])[0] == 200
    assert lab.call("DELETE", f"/v3/tokens/{made['id']}", token=token)[0] == 200
    assert lab.call("GET", "/v3/tokens", token=made["token"])[0] == 401


def test_started_anew_it_keeps_what_is_there(lab: Rancher) -> None:
    lab.kube.remove(f"{CORE}/namespaces/cattle-system/configmaps/admincreated")
    lab.kube.ask("PATCH", f"{RANCHER}/settings/ui-pl", {"value": "ours"})
    before = [len(lab.kube.items(f"{RANCHER}/{plural}")) for plural in ("users", "projects", "globalrolebindings")]
    builtin.begin(lab.kube, "2.15.0")
    after = [len(lab.kube.items(f"{RANCHER}/{plural}")) for plural in ("users", "projects", "globalrolebindings")]
    assert before == after
    assert lab.kube.ask("GET", f"{RANCHER}/settings/ui-pl")["value"] == "ours"
