"""What the program asks of Rancher, asked of the stand-in: calls of its API, and objects of its kinds on an API server.

Does not prove: that Rancher itself takes them; the stand-in has its documented fields and calls.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.platforms.rancher.api import RancherApi
from components.platforms.rancher.kinds import AdminKind, SettingKind, UserKind
from components.rest.access import Access
from components.rest.error import RestError
from components.rest.kind import ensure, holds
from components.tenancy import images
from lab.kube import CORE, RBAC, KubeError
from lab.parts.rancher.standin.kinds import RANCHER
from stacks import ground
from tests.parts.rancher.sites import site_of
from tests.parts.rancher.standin import BOOTSTRAP, PASSWORD, Rancher, rancher
from tests.plugins.api_server import until
from tests.plugins.tools import tool
from tests.unit.test_layers_in_a_row import plan_of

NOTE = "field.cattle.io/projectId"
ADMIN, ANA = {"username": "admin"}, {"username": "ana", "name": "ana", "enabled": True}
FIRST = {"password": "First-of-Rancher-1"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rancher]:
    with rancher(tmp_path_factory.mktemp("rancher")) as running:
        ensure(AdminKind(), client(running), ADMIN, {"bootstrap": BOOTSTRAP})
        yield running


def client(lab: Rancher, username: str = "admin", password: str = PASSWORD) -> RancherApi:
    return RancherApi(Access("https://rancher.lab", username, password, server=lab.https, ca=lab.authority))


@pytest.mark.row("T5")
def test_the_first_login_settings_and_users(lab: Rancher) -> None:
    with pytest.raises(RestError, match="401 Unauthorized"):
        client(lab, password=BOOTSTRAP).session.log_in()
    url = {"name": "server-url", "value": "https://rancher.lab"}
    made = ensure(SettingKind(), client(lab), url, {})
    assert holds(url, made.values)
    SettingKind().delete(client(lab), made.id, url)
    assert SettingKind().read(client(lab), made.id, url) == SettingKind().find(client(lab), {**url, "value": ""})
    ana = ensure(UserKind(), client(lab), ANA, FIRST)
    assert holds(ANA, ana.values)
    assert client(lab).one("/v3/users", ana.id) == {**(client(lab).user("ana") or {})}
    client(lab, "ana", FIRST["password"]).change_password(FIRST["password"], PASSWORD)
    off = UserKind().update(client(lab), ana.id, {**ANA, "enabled": False}, {}, {})
    assert off.values["enabled"] is False
    with pytest.raises(RestError, match="403"):
        client(lab, "ana").session.log_in()
    UserKind().delete(client(lab), ana.id, ANA)
    until(lambda: UserKind().find(client(lab), ANA) is None)


@pytest.mark.row("T5")
def test_a_user_whom_others_made_is_taken_over_and_given_back(lab: Rancher) -> None:
    token = lab.login(password=PASSWORD)
    body = {"username": "eve", "name": "Eve", "password": PASSWORD, "enabled": False, "labels": {"team": "a"}}
    status, made = lab.call("POST", "/v3/users", body, token)
    assert status == 201, made
    eve = {"username": "eve", "name": "eve", "enabled": True}
    with pytest.raises(RestError, match="whom this program did not make"):
        ensure(UserKind(), client(lab), eve, FIRST)
    taken = ensure(UserKind(), client(lab), {**eve, "adopt": True}, FIRST)
    assert client(lab).one("/v3/users", taken.id) == made | {
        "enabled": True,
        "labels": {"team": "a", "gpu-metal/taken": "false"},
    }
    UserKind().delete(client(lab), taken.id, eve)
    assert client(lab).one("/v3/users", taken.id) == made


def bind(lab: Rancher, name: str, spec: Any) -> None:
    """An admission policy with its binding."""
    for end, of in (("ies", spec), ("ybindings", images.binding(name))):
        path = f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic{end}"
        lab.kube.ask("POST", path, {"metadata": {"name": name}, "spec": of})


@pytest.mark.row("X3")
def test_images_are_refused_in_namespaces_that_members_make_for_a_project(lab: Rancher, tmp_path: Path) -> None:
    """The rule of `allowedRegistries`, in the API server itself; from the first moment, before Rancher's label."""
    site = site_of(tmp_path, of={"allowedRegistries": ["docker.io"]}, personal={})
    assert ground.belongs(site) == {NOTE: ["local:p-vision", "local:p-ana", "local:p-ben"]}
    bind(lab, images.NAME, images.policy(images.Allowed(site.allowed_registries, ground.belongs(site))))
    labelled = {"labels": {images.PROJECT: "true"}}
    metadata = {
        "own": labelled,
        "hers": {"annotations": {NOTE: "local:p-ana"}},
        "theirs": {"annotations": {NOTE: "local:p-other"}},
        "other": {},
    }

    def made(namespace: str) -> str:
        pod = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "one", "image": "ghcr.io/other:1"}]}}
        path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
        return str(lab.api.ask("POST", path, pod, status=[201, 403])["kind"])

    for name, of in metadata.items():
        lab.kube.ask("POST", f"{CORE}/namespaces", {"metadata": {"name": name, **of}})
    until(lambda: made("hers") == "Status")
    found = {name: made(name) for name in metadata}
    assert found == {"own": "Status", "hers": "Status", "theirs": "Pod", "other": "Pod"}


@pytest.mark.row("X3")
def test_the_owner_of_a_project_takes_none_of_its_namespaces_out_of_that_rule(lab: Rancher) -> None:
    """After the test above: Rancher lets owners change labels and annotations of their namespaces."""
    bind(lab, images.KEPT, images.kept({NOTE: ["local:p-ana"]}))
    role = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": "owner"}
    rules = [{"apiGroups": [""], "resources": ["namespaces", "namespaces/status"], "verbs": ["*"]}]
    lab.kube.ask("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "owner"}, "rules": rules})
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u-owner"}
    body = {"metadata": {"name": "owner"}, "roleRef": role, "subjects": [subject]}
    lab.kube.ask("POST", f"{RBAC}/clusterrolebindings", body)

    def refused(*words: str, who: str = "u-owner") -> bool:
        group = ["--as-group", "system:masters"] if who == "root" else []
        at = ["--kubeconfig", str(lab.api.kubeconfig), "--as", who, *group]
        done = subprocess.run([tool("kubectl"), *at, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "take the namespace out of its project" in done.stderr, done.stderr
        return done.returncode != 0

    until(lambda: refused("label", "namespace", "own", f"{images.PROJECT}-", "--dry-run=server"))
    assert refused("annotate", "namespace", "hers", f"{NOTE}-")
    assert refused("annotate", "namespace", "hers", f"{NOTE}=local:p-other", "--overwrite")
    without = json.dumps({"metadata": {"annotations": {NOTE: None}}})
    assert refused("patch", "namespace", "hers", "--subresource=status", "--type=merge", "-p", without)
    assert not refused("label", "namespace", "hers", "a=b")
    assert not refused("annotate", "namespace", "theirs", f"{NOTE}-")
    assert not refused("annotate", "namespace", "hers", f"{NOTE}-", who="root")


@pytest.mark.row("T5")
def test_every_object_of_the_plan_is_taken_and_gives_the_member_the_project(lab: Rancher, tmp_path: Path) -> None:
    ids = {name: ensure(UserKind(), client(lab), {**ANA, "username": name}, FIRST).id for name in ("ana", "ben")}
    plan = plan_of(site_of(tmp_path, projects={"vision": {"namespace": {"gpus": 1}}}))

    def inputs(name: str) -> dict[str, Any]:
        found = dict(plan.one(name).inputs)
        if "userName" in found:
            found["userName"] = ids[name.rpartition("-")[2]]
        return found

    def taken(name: str, collection: str) -> bool:
        body = inputs(name)
        try:
            return bool(lab.apply(f"{collection}/{body['metadata']['name']}", body))
        except KubeError as error:
            assert error.status == 404, error  # Pulumi tries again, too, where the namespace is not there yet
            return False

    namespace = inputs("vision")
    lab.apply(f"{CORE}/namespaces/vision", {"apiVersion": "v1", "kind": "Namespace", **namespace})
    assert taken("rancher-project-vision", f"{RANCHER}/namespaces/local/projects")
    members = f"{RANCHER}/namespaces/local-p-vision/projectroletemplatebindings"
    assert all(taken(f"rancher-role-{name}", f"{RANCHER}/globalrolebindings") for name in ids)
    until(lambda: all(taken(f"rancher-vision-member-{name}", members) for name in ids))
    until(lambda: lab.may(ids["ben"], "create", "pods", "vision"))
    assert not lab.may(ids["ben"], "create", "pods", "default")
    [quota] = lab.kube.items(f"{CORE}/namespaces/vision/resourcequotas")
    assert quota["spec"]["hard"]["requests.nvidia.com/gpu"] == "1"
    assert quota["spec"]["hard"]["limits.cpu"] == "8"
    assert lab.kube.ask("GET", f"{CORE}/namespaces/vision")["metadata"]["annotations"].items() >= (
        namespace["metadata"]["annotations"].items()
    )
