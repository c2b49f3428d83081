"""Rancher's objects in the plan, each after the one it needs.

Does not prove: that chart and API take them; the lab's story does.
"""

import itertools
from pathlib import Path
from typing import Any

import pytest

from components.platforms.rancher.secrets import UnfitSecretError, must_do
from components.rest.provider import Provider
from tests.parts.rancher.authority import FILES
from tests.parts.rancher.sites import site_of
from tests.unit.recorder import Plan
from tests.unit.test_layers_in_a_row import plan_of

BINDING = "kubernetes:management.cattle.io/v3:"
VOLUMES = {"server": "10.0.0.99", "path": "/export"}


def planned(folder: Path, **more: Any) -> Plan:
    return plan_of(site_of(folder, **more))


@pytest.mark.row("T5")
def test_the_release_comes_before_the_login_and_that_before_people(tmp_path: Path) -> None:
    plan = planned(tmp_path, eula="2026-11-30", personal={}, volumes=VOLUMES)
    order = ["rancher-tls", "rancher-release", "rancher-admin", "rancher-setting-server-url"]
    order += ["rancher-user-ana", "rancher-vision-member-ana"]
    for before, after in itertools.pairwise(order):
        assert before in plan.behind(after), (before, after)
    assert {"ingress-release", "rancher-authority", "rancher-leftovers"} <= plan.behind("rancher-release")
    assert "rancher-project-vision" in plan.behind("rancher-vision-member-ana")
    assert "ana" in plan.behind("rancher-project-ana"), "Rancher takes no quota below what the namespace has"
    assert "ana" in plan.behind("rancher-claim-ana")
    assert plan.one("rancher-setting-eula-agreed").inputs["want"]["value"] == "2026-11-30T00:00:00.000Z"


@pytest.mark.row("T5")
def test_objects_of_ranchers_kinds_have_the_documented_fields(tmp_path: Path) -> None:
    plan = planned(tmp_path, users={"ana": {"globalRole": "admin"}}, projects={"vision": {"role": "project-owner"}})
    force = {"annotations": {"pulumi.com/patchForce": "true"}, "labels": {"gpu-metal/made": "true"}}
    api = {"apiVersion": "management.cattle.io/v3"}
    [everywhere] = [each for each in plan.of(f"{BINDING}GlobalRoleBinding") if each.name == "rancher-role-ana"]
    assert everywhere.inputs == {
        **api,
        "kind": "GlobalRoleBinding",
        "metadata": {"name": "gm-ana", **force},
        "userName": "rancher-user-ana-id",
        "globalRoleName": "admin",
    }
    member = plan.one("rancher-vision-member-ben")
    assert member.inputs == {
        **api,
        "kind": "ProjectRoleTemplateBinding",
        "metadata": {"name": "gm-ben", "namespace": "local-p-vision", **force},
        "projectName": "local:p-vision",
        "userName": "rancher-user-ben-id",
        "roleTemplateName": "project-owner",
    }
    [project] = plan.of(f"{BINDING}Project")
    assert project.inputs["metadata"] == {"name": "p-vision", "namespace": "local", **force}
    assert plan.one("vision").inputs["metadata"]["annotations"]["field.cattle.io/projectId"] == "local:p-vision"


@pytest.mark.row("T5")
def test_no_password_is_plain_in_the_plan(tmp_path: Path) -> None:
    plan = planned(tmp_path, users={"ben": {"firstPasswordSecret": "benFirst"}})
    for each in plan.resources.values():
        for name in ("rancherAdmin", "rancherBootstrap", "rancherFirst", "benFirst", "siteKey"):
            if f"the value of {name}" in str(each.inputs):
                assert each.secret, each.name
    release = plan.one("rancher-release")
    assert release.inputs["values"]["bootstrapPassword"] == "the value of rancherBootstrap"
    assert (release.inputs["name"], release.inputs["namespace"]) == ("rancher", "cattle-system")
    assert plan.one("rancher-user-ben").inputs["private"] == {"password": "the value of benFirst"}


@pytest.mark.row("T5")
def test_each_project_has_a_volume_for_many_nodes(tmp_path: Path) -> None:
    plan = planned(tmp_path, personal={}, volumes=VOLUMES)
    spec = plan.one("rancher-volume-ana").inputs["spec"]
    assert spec["nfs"] == {"server": "10.0.0.99", "path": "/export/ana"}
    assert (spec["accessModes"], spec["persistentVolumeReclaimPolicy"]) == (["ReadWriteMany"], "Retain")
    claim = plan.one("rancher-claim-ana").inputs
    assert claim["metadata"]["namespace"] == "ana"
    assert claim["spec"]["volumeName"] == plan.one("rancher-volume-ana").inputs["metadata"]["name"] == "ana"
    assert len(plan.of("kubernetes:core/v1:PersistentVolume")) == 3


@pytest.mark.row("T5")
def test_the_certificate_is_the_ingresss_or_the_own_one_or_cert_managers(tmp_path: Path) -> None:
    tls = planned(tmp_path).one("rancher-tls").inputs["stringData"]
    assert tls == {"tls.crt": (FILES / "lps.example.org.pem").read_text(), "tls.key": "the value of siteKey"}
    own = {"certificate": str(FILES / "manager.example.org.pem"), "keySecret": "managerKey"}
    tls = planned(tmp_path, hostname="manager.example.org", **own).one("rancher-tls").inputs["stringData"]
    assert tls["tls.key"] == "the value of managerKey"


@pytest.mark.row("T5")
def test_a_role_that_rancher_lets_nobody_change_is_made_anew(tmp_path: Path) -> None:
    for name in ("rancher-role-ana", "rancher-vision-member-ana"):
        options = planned(tmp_path).one(name).options
        assert options["delete_before_replace"] is True
        assert "userName" in options["replace_on_changes"]


@pytest.mark.row("T5")
def test_a_preview_asks_nobody_and_a_new_password_is_one_update(tmp_path: Path) -> None:
    one = dict(planned(tmp_path).one("rancher-user-ana").inputs)
    other = dict(planned(tmp_path, users={"ana": {"enabled": False}}).one("rancher-user-ana").inputs)
    seen = Provider().diff("u-1", one, other)
    assert (seen.changes, seen.replaces) == (True, [])
    assert Provider().diff("u-1", one, one).changes is False


@pytest.mark.row("T5")
def test_a_short_password_is_refused_before_anything_is_installed() -> None:
    must_do("long-enough-1", "rancherAdmin", "admin.passwordSecret")
    with pytest.raises(UnfitSecretError) as caught:
        must_do("short", "rancherAdmin", "admin.passwordSecret")
    assert str(caught.value) == (
        "the secret rancherAdmin (admin.passwordSecret) has 5 characters, and Rancher asks for 12 at least. Nothing "
        "was changed. Fix: pulumi config set --secret rancherAdmin, with another one"
    )


@pytest.mark.row("T5")
def test_an_api_that_is_gone_is_asked_nothing(tmp_path: Path) -> None:
    api = next(
        each for each in planned(tmp_path, state="gone").resources.values() if each.type.endswith("pulumi-python")
    )
    assert api.inputs["rest:gone"] in (True, "true")
