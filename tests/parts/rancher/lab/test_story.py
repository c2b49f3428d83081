"""The story of Rancher on the lab's site: up, unchanged, people and rights, drift by hand and edits, out, up again.

Does not prove: Rancher itself, for which the lab has a stand-in with its documented names, values, objects and calls.
"""

from typing import Any

import pytest

from tests.lab import at_work
from tests.lab.cluster import kubectl
from tests.lab.stack import Stack, until
from tests.parts.rancher.lab import manager
from tests.parts.runai.lab.appliance import changed

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]


@pytest.fixture(scope="module")
def stack(cluster: Stack) -> Stack:
    """Rancher, and what it needs, by one edit."""
    manager.add(cluster)
    cluster.up().ok()
    return cluster


@pytest.mark.row("T5")
def test_it_comes_up_with_people_and_quota_and_a_second_up_changes_nothing(stack: Stack) -> None:
    assert not manager.opens(stack, "admin", manager.BOOTSTRAP)
    assert manager.setting(stack, "server-url") == f"https://{manager.NAME}"
    assert manager.people(stack) == {"admin", "ana", "ben"}
    until(lambda: manager.quota().get("requests.nvidia.com/gpu") == "2", what="the namespace's quota")
    limit = manager.project()["limit"]
    assert (limit["extended"], limit["limitsCpu"]) == ({"requests.nvidia.com/gpu": "4"}, "4")
    assert manager.claim() == "Bound"
    stack.up("--expect-no-changes").ok()
    stack.works()


@pytest.mark.row("T5")
def test_a_user_must_change_the_first_password_and_keeps_the_own_one(stack: Stack) -> None:
    ana = manager.user(stack, "ana")
    assert ana["mustChangePassword"] is True
    manager.api(stack, "ana", manager.FIRST).change_password(manager.FIRST, manager.OWN)
    assert manager.user(stack, "ana")["mustChangePassword"] is False
    assert manager.may(ana["id"], "create", "pods", "vision")
    assert manager.may(ana["id"], "get", "persistentvolumeclaims", "vision")
    assert not manager.may(ana["id"], "create", "pods", "default")
    assert not manager.may(ana["id"], "get", "secrets", "cattle-system")
    assert not manager.may(ana["id"], "create", "rolebindings", "vision")


@pytest.mark.row("T5")
def test_what_was_changed_by_hand_is_named_and_mended_and_one_edit_each_is_one_change(stack: Stack) -> None:
    ben = manager.user(stack, "ben")["id"]
    limit = {"limit": {"limitsCpu": "64"}}
    manager.spoil("projects.management.cattle.io", "p-vision", "local", {"spec": {"resourceQuota": limit}})
    manager.api(stack).put(
        "/v3/settings", "server-url", {"name": "server-url", "value": "https://elsewhere.example.org"}
    )
    named = {each["id"] for each in at_work.failed(stack, "drift", "--record")}
    assert named >= {"api/Setting/server-url", "object/Project/local/p-vision"}

    def change(site: dict[str, Any]) -> None:
        site["projects"]["vision"].update(members=["ana"], gpus=3)
        site["platforms"][0]["projects"]["vision"]["namespace"] = {"gpus": 1}

    stack.edit(change)
    mended = changed(stack.up().ok())
    assert manager.setting(stack, "server-url") == f"https://{manager.NAME}"
    limit = manager.project()["limit"]
    assert (limit["extended"], limit["limitsCpu"]) == ({"requests.nvidia.com/gpu": "3"}, "4")
    until(lambda: manager.quota()["requests.nvidia.com/gpu"] == "1", what="the namespace's quota follows")
    until(lambda: not manager.may(ben, "create", "pods", "vision"), what="ben is out")
    assert "rancher-vision-member-ben" in mended
    assert not {"rancher-vision-member-ana", "rancher-user-ana", "rancher-release"} & mended
    assert manager.opens(stack, "ana", manager.OWN)


@pytest.mark.row("T5")
def test_out_of_a_site_that_stays_and_up_again(stack: Stack) -> None:
    entry: list[Any] = []
    stack.edit(lambda site: entry.append(site["platforms"].pop()))
    stack.up().ok()
    left = {each["metadata"]["name"]: each["metadata"] for each in kubectl("get", "namespaces")["items"]}
    assert "cattle-system" not in left
    assert not [key for key in left["vision"].get("annotations", {}) if "cattle.io" in key]
    assert manager.held() == set()
    # What stays is said in the how-to: Rancher's kinds, its settings, its admin and its own namespaces.
    assert "projects.management.cattle.io" in {each["metadata"]["name"] for each in kubectl("get", "crds")["items"]}
    stack.edit(lambda site: site["platforms"].append(entry[0]))
    stack.up().ok()
    assert manager.opens(stack, "ana", manager.OWN), "her password is hers, and stays in the cluster"
    until(lambda: manager.quota().get("requests.nvidia.com/gpu") == "1", what="the namespace's quota")
    stack.up("--expect-no-changes").ok()


@pytest.mark.long
@pytest.mark.row("T5")
def test_destroyed_with_its_site_it_comes_up_again(stack: Stack) -> None:
    before = manager.people(stack), manager.project()["limit"]
    stack.destroy().ok()
    stack.up().ok()
    assert (manager.people(stack), manager.project()["limit"]) == before
    stack.works()
