"""MLflow's tracking server: what is made of it, in which order, and its users.

Does not prove: that the chart and the server take it. Both were tried: the values against the chart's schema, which is
here where the upstream's files are, and the calls on MLflow 3.15.1, whose answers ours have the form of.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from ruamel.yaml import YAML

from components.parts.chart import merged
from components.platforms.runai import samples, tracking, versions
from components.platforms.runai.mlflow_users import USERS, MlflowAdminKind, MlflowApi, MlflowUserKind, want
from components.platforms.runai.part import PART
from components.platforms.runai.secrets import UnfitSecretError
from components.platforms.runai.tracker import must_fit
from components.rest.error import RestError
from components.rest.kind import ensure
from components.rest.retry import Patience
from stacks.secret_names import secret_names
from tests.parts.runai.sites import parts_of, site_of
from tests.parts.runai.unit.test_component import planned
from tests.samples import ROOT
from tests.unit.https import PASSWORD, Answer, Asked, Server, https

pytestmark = pytest.mark.row("R9")

SERVER = {"passwordSecret": "mlflowAdmin", "projects": {"vision": "mlflowVision"}}
MLFLOW = {"repository": "registry.example.org:5000/mlflow", "server": SERVER}
UPSTREAM = ROOT.parent / "shared/upstream/mlflow" / versions.MLFLOW
READ = YAML(typ="safe", pure=True)


class Refused(Exception):  # noqa: N818 - an answer
    def __init__(self, status: int, body: object) -> None:
        super().__init__(status, body)
        self.answer = (status, body)


class Users:
    """The calls of MLflow's server about users, with its answers."""

    def __init__(self) -> None:
        self.known = {"admin": PASSWORD}

    def __call__(self, asked: Asked) -> Answer:
        try:
            self.judge(asked)
        except Refused as refused:
            return refused.answer
        return 200, {}

    def judge(self, asked: Asked) -> None:
        name, _, password = base64.b64decode(asked.token.removeprefix("Basic ")).decode().partition(":")
        if self.known.get(name) != password:
            raise Refused(401, b"You are not authenticated.")
        of, call = asked.query or asked.body or {}, asked.path.removeprefix(f"{USERS}/")
        user = of.get("username", name)
        if call == "create" and user in self.known:
            raise Refused(400, {"error_code": "RESOURCE_ALREADY_EXISTS", "message": f"User {user} already exists."})
        if call != "create" and user not in self.known:
            raise Refused(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"User {user} not found"})
        if call == "update-password" and user == name and of.get("current_password") != password:
            raise Refused(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Current password does not match."})
        if call in {"create", "update-password"}:
            self.known[user] = of["password"]
        elif call == "delete":
            del self.known[user]


@pytest.fixture
def there() -> Users:
    return Users()


@pytest.fixture
def server(there: Users, tmp_path: Path) -> Iterator[Server]:
    with https(there, tmp_path) as running:
        yield running


def client(server: Server, password: str = PASSWORD) -> MlflowApi:
    return MlflowApi(server.access(username="admin", password=password), Patience(5))


class TestTheServerInThePlan:
    def test_it_comes_with_its_volume_and_certificate_and_its_users_after_it(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, mlflow=MLFLOW)
        release = plan.one("runai-mlflow-release").inputs
        made = (release["name"], release["namespace"], release["chart"], release["version"])
        assert made == ("mlflow", "mlflow", "mlflow", versions.MLFLOW)
        assert {"runai-mlflow-data", "runai-mlflow-tls", "runai-mlflow-login"} <= plan.behind("runai-mlflow-release")
        assert {"runai-mlflow-release", "runai-mlflow-admin"} <= plan.behind("runai-mlflow-user-vision")
        assert {"runai-mlflow-user-vision", "runai-project-vision"} <= plan.behind("runai-mlflow-vision")
        claim = plan.one("runai-mlflow-data").inputs["spec"]
        assert (claim["accessModes"], claim["resources"]) == (["ReadWriteOnce"], {"requests": {"storage": "50Gi"}})
        enforced = plan.one("mlflow-namespace").inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        assert enforced == "restricted"
        assert not [each for each in planned(tmp_path).resources.values() if "mlflow" in each.name]

    def test_no_password_is_plain_and_none_is_in_the_charts_values(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, mlflow=MLFLOW)
        holders = {
            each.name: each.secret
            for each in plan.resources.values()
            if "the value of mlflow" in str(each.inputs) and each.name != "runai-mlflow-api"
        }
        assert set(holders) == {
            "runai-mlflow-login",
            "runai-mlflow-admin",
            "runai-mlflow-user-vision",
            "runai-mlflow-vision",
        }
        assert all(holders.values())

    def test_a_projects_pods_get_its_variables_and_those_of_others_none(self, tmp_path: Path) -> None:
        plan = planned(tmp_path, mlflow=MLFLOW)
        told = plan.one("runai-mlflow-vision").inputs
        assert told["metadata"]["namespace"] == "vision"
        assert told["stringData"] == {
            "MLFLOW_TRACKING_URI": "http://mlflow.mlflow.svc",
            "MLFLOW_TRACKING_USERNAME": "vision",
            "MLFLOW_TRACKING_PASSWORD": "the value of mlflowVision",
            "MLFLOW_EXPERIMENT_NAME": "vision",
        }
        config, ground = parts_of(site_of(tmp_path, mlflow=MLFLOW))
        found = PART.files(config, ground)
        for path in ("mlflow/{}/training/kubernetes_job_template.yaml", "jobs/{}/batch.yaml"):
            containers = [
                READ.load(found[path.format(project)])["spec"]["template"]["spec"]["containers"][0]
                for project in ("vision", "audio")
            ]
            assert containers[0]["envFrom"] == [{"secretRef": {"name": told["metadata"]["name"]}}]
            assert "envFrom" not in containers[1]
        head = found["mlflow/vision/training/kubernetes_job_template.yaml"]
        assert "MLFLOW_TRACKING_URI=https://mlflow.ai.example.org KUBE_MLFLOW_TRACKING_URI=http://mlflow.mlflow" in head

    def test_verify_asks_for_it(self, tmp_path: Path) -> None:
        assert PART.cluster
        with_it, without = (parts_of(site_of(tmp_path, **more))[0] for more in ({"mlflow": MLFLOW}, {}))
        assert ("deployment", "mlflow") in [(each.kind, each.name) for each in PART.cluster.probes(with_it)]
        assert [each.name for each in PART.cluster.probes(without)] == ["runai-backend-postgresql"]

    def test_it_stays_on_the_system_nodes_and_answers_to_both_of_its_names_alone(self, tmp_path: Path) -> None:
        found = tracking.settings(*parts_of(site_of(tmp_path, mlflow=MLFLOW, nodes={"system": ["sys-1"]})))
        assert [each["key"] for each in found["tolerations"]] == ["tier"]
        assert "nodeAffinity" in found["affinity"]
        assert found["serverAllowedHosts"] == ["mlflow.ai.example.org", "mlflow.mlflow", "mlflow.mlflow.svc"]
        assert found["corsAllowedOrigins"] == ["https://mlflow.ai.example.org"]
        assert found["auth"]["defaultPermission"] == "NO_PERMISSIONS"

    @pytest.mark.skipif(not UPSTREAM.exists(), reason="the upstream's chart is not here")
    def test_the_chart_knows_each_value(self, tmp_path: Path) -> None:
        found = tracking.settings(*parts_of(site_of(tmp_path, mlflow=MLFLOW, nodes={"system": ["sys-1"]})))
        theirs = READ.load(UPSTREAM / "values.yaml")
        jsonschema.validate(merged(theirs, found), json.loads((UPSTREAM / "values.schema.json").read_text()))
        for key, value in found.items():
            own = set(value) if isinstance(value, dict) and theirs[key] else set()
            assert own - {*(theirs[key] or {})} <= {"seccompProfile"} if own else key in theirs, key


class TestItsUsers:
    def test_a_projects_user_is_made_once_gets_a_new_password_and_goes(self, there: Users, server: Server) -> None:
        kind, wanted = MlflowUserKind(), want("vision")
        made = ensure(kind, client(server), wanted, {"password": "a-first-password"})
        assert there.known["vision"] == "a-first-password"
        kind.update(client(server), made.id, wanted, {"password": "another-password"}, {})
        assert there.known["vision"] == "another-password"
        assert kind.read(client(server), made.id, wanted) is not None
        kind.delete(client(server), made.id, wanted)
        kind.delete(client(server), made.id, wanted)
        assert kind.read(client(server), made.id, wanted) is None

    def test_one_that_was_there_gets_the_sites_password(self, there: Users, server: Server) -> None:
        there.known["vision"] = "by-hand-by-hand"
        ensure(MlflowUserKind(), client(server), want("vision"), {"password": "of-the-site-1"})
        assert there.known["vision"] == "of-the-site-1"

    def test_a_short_password_is_refused_whether_the_user_is_there_or_not(self, there: Users, server: Server) -> None:
        for known in ({}, {"vision": "a-long-password"}):
            there.known.update(known)
            with pytest.raises(RestError, match="password of vision has 5 signs, and MLflow asks for 13 or more"):
                ensure(MlflowUserKind(), client(server), want("vision"), {"password": "short"})
            assert there.known.get("vision") == known.get("vision")

    @pytest.mark.parametrize("how", [401, 403, 429, 500, "late", "cut"])
    def test_whatever_fails_the_next_run_ends_with_one_user(self, there: Users, server: Server, how: Any) -> None:
        server.fault("POST", how)
        try:
            ensure(MlflowUserKind(), client(server), want("vision"), {"password": "of-the-site-1"})
        except RestError as error:
            assert "Fix: " in str(error)
            assert "of-the-site-1" not in str(error)
            ensure(MlflowUserKind(), client(server), want("vision"), {"password": "of-the-site-1"})
        assert there.known["vision"] == "of-the-site-1"

    def test_the_administrators_password_is_changed_from_the_last_one(self, there: Users, server: Server) -> None:
        kind, wanted = MlflowAdminKind(), want("admin")
        assert ensure(kind, client(server), wanted, {"password": PASSWORD}).id == "admin"
        new = client(server, "the-new-password-1")
        assert kind.read(new, "admin", wanted) is None
        kind.update(new, "admin", wanted, {"password": "the-new-password-1"}, {"password": PASSWORD})
        assert there.known["admin"] == "the-new-password-1"
        with pytest.raises(RestError, match="neither the site's password of its administrator nor the last one"):
            kind.update(client(server, "lost-lost-lost-1"), "admin", wanted, {}, {"password": PASSWORD})


@pytest.mark.parametrize("password", ["short-1", "with/slash-in-it", "and&and&and&and", "50%50%50%50%50"])
def test_a_password_that_the_chart_would_break_is_refused_before(password: str) -> None:
    must_fit("Long-enough-1.", "mlflowAdmin")
    told = r"mlflowAdmin \(mlflow\.server\.passwordSecret\) must be 13 signs"
    with pytest.raises(UnfitSecretError, match=told) as error:
        must_fit(password, "mlflowAdmin")
    assert password not in str(error.value)


def test_jobs_to_begin_with_are_as_before_without_it(tmp_path: Path) -> None:
    config, ground = parts_of(site_of(tmp_path))
    assert not any("envFrom" in text for text in samples.files(config, ground).values())


def test_the_passwords_of_projects_are_secrets_of_the_site(tmp_path: Path) -> None:
    assert secret_names(site_of(tmp_path, mlflow=MLFLOW))["mlflowVision"] == [
        "platforms.0.mlflow.server.projects.vision"
    ]
