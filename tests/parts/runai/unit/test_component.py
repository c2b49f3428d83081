"""Run:ai's objects in the plan: Secrets, two releases, and what is asked of the API, each after the one it needs.

Does not prove: that charts and API take them; the lab's story does.
"""

import itertools
from pathlib import Path
from typing import Any

import pytest

from components.rest.provider import Provider
from tests.parts.runai.authority import FILES
from tests.parts.runai.sites import HOSTS, site_of
from tests.unit.recorder import Plan
from tests.unit.test_layers_in_a_row import plan_of

REGISTRY = {"images": "registry.example.org:5000/runai", "username": "pull", "passwordSecret": "registryPassword"}
OLD = {"controlPlane": {"chart": "./control-plane.tgz"}, "cluster": {"chart": "./runai-cluster.tgz"}}


def planned(folder: Path, **more: Any) -> Plan:
    return plan_of(site_of(folder, **more))


@pytest.mark.row("R3", "R4")
def test_the_control_plane_comes_before_the_cluster_and_both_before_people(tmp_path: Path) -> None:
    plan = planned(tmp_path, departments={"research": {"gpus": 4}}, nodePools={"big": {"hosts": ["gpu-1"]}})
    order = ("runai-backend-tls", "runai-control-plane", "runai-admin", "runai-cluster", "runai-release")
    for before, after in itertools.pairwise(order):
        assert before in plan.behind(after), (before, after)
    assert {"ingress-release", "storage", "gpu-operator-release"} & plan.behind("runai-control-plane")
    assert {"runai-cluster-tls", "runai-star-tls", "runai-runai-authority"} <= plan.behind("runai-release")
    assert "runai-release" in plan.behind("runai-connected")
    for name in ("runai-pool-big", "runai-department-research", "runai-project-vision", "runai-user-ana"):
        assert "runai-connected" in plan.behind(name), name
    assert "runai-pool-big" in plan.behind("runai-project-vision")


@pytest.mark.row("R3", "R4")
def test_each_release_has_its_fixed_name_and_namespace(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    for name, where, chart in (
        ("runai-control-plane", ("runai-backend", "runai-backend"), "control-plane"),
        ("runai-release", ("runai-cluster", "runai"), "runai-cluster"),
    ):
        made = plan.one(name).inputs
        assert (made["name"], made["namespace"], made["chart"], made["version"]) == (*where, chart, "3.0.0")
        assert made["waitForJobs"] is True
    enforced = "pod-security.kubernetes.io/enforce"
    assert plan.one("runai-namespace").inputs["metadata"]["labels"][enforced] == "privileged"


@pytest.mark.row("R3")
def test_no_password_is_plain_in_the_plan(tmp_path: Path) -> None:
    plan = planned(tmp_path, registry=REGISTRY)
    secrets = {"runaiAdmin", "siteKey", "registryPassword"}
    for each in plan.resources.values():
        for name in secrets:
            if f"the value of {name}" in str(each.inputs):
                assert each.secret, each.name
    backend = plan.one("runai-control-plane")
    assert backend.inputs["values"]["tenantsManager"]["config"]["adminPassword"] == "the value of runaiAdmin"
    assert any("adminPassword" in path or path.startswith("values") for path in backend.secret)


@pytest.mark.row("R4")
def test_the_cluster_joins_by_a_token_and_before_3_0_by_a_clients_secret(tmp_path: Path) -> None:
    values = planned(tmp_path).one("runai-release").inputs["values"]
    assert set(values["controlPlane"]) <= {"url", "bootstrapToken"}
    operator = {"gpuOperator": {"version": "v26.3.0"}, "allowUntested": True}
    plan = planned(tmp_path, version="2.25.0", of=operator, **OLD)
    values = plan.one("runai-release").inputs["values"]
    assert values["controlPlane"]["existingSecret"] == "runai-cluster-client"
    assert values["controlPlane"]["secretKeys"] == {"clientSecret": "clientSecret"}
    client = plan.one("runai-client").inputs
    assert client["metadata"]["namespace"] == "runai"


@pytest.mark.row("R1", "R3")
def test_certificates_and_the_own_authority_are_where_run_ai_looks_for_them(tmp_path: Path) -> None:
    models = str(FILES / "models.pem")
    of = {"domain": "models.example.org", "certificate": models, "keySecret": "modelKey"}
    plan = planned(tmp_path, inference=of, registry=REGISTRY)
    found = {
        (each.inputs["metadata"]["namespace"], each.inputs["metadata"]["name"]): each
        for each in plan.of("kubernetes:core/v1:Secret")
        if each.name.startswith("runai-")
    }
    assert set(found) == {
        ("runai-backend", "runai-backend-tls"),
        ("runai-backend", "runai-ca-cert"),
        ("runai-backend", "runai-reg-creds"),
        ("runai-backend", "gpu-metal-runai-api"),
        ("runai", "runai-cluster-domain-tls-secret"),
        ("runai", "runai-cluster-domain-star-tls-secret"),
        ("runai", "runai-ca-cert"),
        ("runai", "runai-reg-creds"),
        ("knative-serving", "runai-cluster-inference-tls-secret"),
    }
    authority = found["runai", "runai-ca-cert"].inputs
    assert authority["stringData"] == {"runai-ca.pem": (FILES / "authority.pem").read_text()}
    labels = {"run.ai/cluster-wide": "true", "run.ai/name": "runai-ca-cert"}
    assert authority["metadata"]["labels"] == labels
    tls = found["knative-serving", "runai-cluster-inference-tls-secret"].inputs["stringData"]
    assert tls == {"tls.crt": Path(models).read_text(), "tls.key": "the value of modelKey"}
    star = plan.one("runai-star").inputs
    assert star["metadata"]["name"] == "runai-cluster-domain-star-ingress"
    assert star["spec"]["rules"][0]["host"] == "*.ai.example.org"


@pytest.mark.row("R4")
def test_a_new_version_changes_both_releases_in_their_order_and_nothing_of_the_people(tmp_path: Path) -> None:
    operator = {"gpuOperator": {"version": "v26.3.0"}, "allowUntested": True}
    one = planned(tmp_path, version="2.25.0", of=operator, **OLD)
    two = planned(tmp_path, version="2.26.0", of=operator, **OLD)
    assert [plan.one("runai-control-plane").inputs["version"] for plan in (one, two)] == ["2.25.0", "2.26.0"]
    assert [plan.one("runai-release").inputs["version"] for plan in (one, two)] == ["2.25.0", "2.26.0"]
    assert "runai-control-plane" in two.behind("runai-release")
    for name in ("runai-project-vision", "runai-user-ana", "runai-department-default"):
        assert one.one(name).inputs == two.one(name).inputs
    guards = [hook for hook in two.one("runai-control-plane").options["hooks"] if "control-plane" in hook]
    assert guards == ["before-runai-control-plane"]


@pytest.mark.row("R12")
def test_the_node_of_a_drained_host_gets_the_guides_taint_and_run_ai_does_not_tolerate_it(tmp_path: Path) -> None:
    drained = {name: {**host, **({"state": "drained"} if name == "sys-1" else {})} for name, host in HOSTS.items()}
    plan = planned(tmp_path, hosts=drained, nodes={"system": ["sys-1"]})
    [text] = [each.inputs["create"] for each in plan.resources.values() if "node_drained" in str(each.inputs)]
    [line] = [line for line in text.splitlines() if "node_drained" in line]
    assert "#sys-1" in line
    assert "taints=runai=drain:NoExecute" in line
    tolerations = plan.one("runai-release").inputs["values"]["global"]["tolerations"]
    assert [each["key"] for each in tolerations] == ["tier"]


@pytest.mark.row("R6")
def test_one_edit_is_one_object(tmp_path: Path) -> None:
    people = {"vision": {"gpus": 4, "members": ["ana"]}, "audio": {"gpus": 2}}
    before = planned(tmp_path, of={"projects": people})
    after = planned(tmp_path, of={"projects": {**people, "vision": {"gpus": 3, "members": ["ana"]}}})
    changed = {
        each.name
        for urn, each in after.resources.items()
        if urn not in before.resources or before.resources[urn].inputs != each.inputs
    }
    # What the project deserves is also what its department has for it.
    assert changed == {"runai-project-vision", "runai-department-default"}


@pytest.mark.row("R6")
def test_a_member_that_leaves_loses_the_role_alone(tmp_path: Path) -> None:
    both = {"vision": {"gpus": 4, "members": ["ana", "ben"]}, "audio": {"gpus": 2, "members": ["ben"]}}
    one = {**both, "vision": {"gpus": 4, "members": ["ana"]}}
    before, after = (planned(tmp_path, of={"projects": projects}) for projects in (both, one))
    names = [{each.name for each in plan.resources.values()} for plan in (before, after)]
    assert names[0] - names[1] == {"runai-vision-member-ben"}
    assert names[1] - names[0] == set()


@pytest.mark.row("R4")
def test_a_kind_that_answers_with_a_secret_is_not_changed_by_it() -> None:
    want = {"name": "runai", "domain": "https://ai.example.org", "version": "3.0.0"}
    kind = "components.platforms.runai.clusters:ClusterKind"
    olds = {"kind": kind, "want": want, "secret": "a token", "uid": "1"}
    assert Provider().diff("1", olds, {"kind": kind, "want": want}).changes is False
    assert Provider().diff("1", olds, {"kind": kind, "want": {**want, "version": "3.0.1"}}).changes is True
