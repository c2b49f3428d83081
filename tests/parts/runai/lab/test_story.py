"""The story of Run:ai on the lab's site: up, unchanged, drift by hand, edits, upgrade and drained node, out, up again.

Does not prove: Run:ai itself, for which the lab has a stand-in with its documented names, values and calls.
"""

import re
from typing import Any

import pytest

from tests.lab import at_work
from tests.lab.cluster import kubectl
from tests.lab.stack import Stack
from tests.parts.runai.lab import appliance

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]


@pytest.fixture(scope="module")
def stack(cluster: Stack) -> Stack:
    """Run:ai 2.25, and what it needs, by one edit."""
    appliance.add(cluster)
    appliance.around()
    cluster.up().ok()
    return cluster


@pytest.mark.row("R1", "R3", "R4", "R5", "R6")
def test_it_comes_up_connected_with_people_and_roles_and_a_second_up_changes_nothing(stack: Stack) -> None:
    appliance.connected(stack, "2.25.0")
    assert (appliance.deserved(stack), appliance.project(stack)["status"]["namespace"]) == (4, "vision")
    assert appliance.subjects(stack) == {"ana@lab.example.org", "ben@lab.example.org"}
    assert appliance.roles("cpu-1") == {"system"}
    assert appliance.roles("gpu-1") == {"gpu-worker"}
    assert appliance.nodes_of("runai-backend", "runai") == {"cpu-1"}
    assert "runai/connected" in stack.works("-o", "json").out
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("R7")
def test_a_researcher_may_work_in_the_own_project_and_nowhere_else(stack: Stack) -> None:
    config = at_work.kubeconfig(stack, "ana")
    assert at_work.may(config, "create", "pods", "vision")
    assert not at_work.may(config, "create", "pods", "default")
    assert not at_work.may(config, "get", "secrets", "runai-backend")


@pytest.mark.row("R5", "R6")
def test_what_was_changed_by_hand_is_named_and_mended_and_one_edit_each_is_one_change(stack: Stack) -> None:
    appliance.change_quota(stack, 1)
    named = [each["id"] for each in at_work.failed(stack, "drift", "--record")]
    assert named == ["api/Project/vision"]

    def change(site: dict[str, Any]) -> None:
        site["projects"]["vision"]["members"] = ["ana"]
        nodes = site["platforms"][0]["nodes"]
        nodes.update(cpuWorker=["cpu-1"], all=True)
        del nodes["gpuWorker"]

    stack.edit(change)
    changed = appliance.changed(stack.up().ok())
    assert appliance.deserved(stack) == 4
    assert appliance.subjects(stack) == {"ana@lab.example.org"}
    assert appliance.roles("cpu-1") == {"system", "cpu-worker"}
    assert appliance.roles("gpu-1") == {"gpu-worker"}
    assert {"runai-project-vision", "runai-vision-member-ben"} <= changed
    assert not {"runai-control-plane", "runai-department-research", "runai-vision-member-ana"} & changed


@pytest.mark.row("R4", "R12")
def test_an_upgrade_saves_the_database_first_and_keeps_all_while_a_node_is_drained(stack: Stack) -> None:
    kept = appliance.project(stack)["id"]
    appliance.leave_the_old_ingress()

    def change(site: dict[str, Any]) -> None:
        site["platforms"][0]["version"] = "3.0.0"
        site["hosts"]["gpu-1"]["state"] = "drained"

    stack.edit(change)
    shown = stack.preview("--diff").ok().out
    assert len(re.findall(r'version *: "2\.25\.0" => "3\.0\.0"', shown)) >= 2
    told = stack.up().ok().out
    assert "the database of 2.25.0 is saved as /var/lib/gpu-metal-runai/backend-2.25.0-" in told
    appliance.connected(stack, "3.0.0")
    assert (appliance.project(stack)["id"], appliance.deserved(stack)) == (kept, 4)
    assert appliance.saved("2.25.0").startswith("PGDMP")
    assert not appliance.old_ingress()
    assert appliance.DRAIN in appliance.taints("gpu-1")
    stack.edit(lambda site: site["platforms"][0].update(version="2.25.0"))
    assert "Run:ai has no way back to 2.25.0" in stack.up("--target", "**::runai-control-plane").text


@pytest.mark.row("R4", "R5", "R6", "R12")
def test_out_of_a_site_that_stays_and_up_again(stack: Stack) -> None:
    entry: list[Any] = []

    def out(site: dict[str, Any]) -> None:
        entry.append({**site["platforms"].pop(), "version": "3.0.0"})
        del site["hosts"]["gpu-1"]["state"]

    stack.edit(out)
    stack.up().ok()
    left = {each["metadata"]["name"] for each in kubectl("get", "namespaces")["items"]}
    assert not {"runai", "runai-backend"} & left
    assert "vision" in left
    assert not appliance.roles("cpu-1") | appliance.roles("gpu-1")
    assert appliance.DRAIN not in appliance.taints("gpu-1")
    # What stays is said in the how-to: Run:ai's kinds, and the saved database.
    assert "projects.run.ai" in {each["metadata"]["name"] for each in kubectl("get", "crds")["items"]}
    assert appliance.saved("2.25.0")
    stack.edit(lambda site: site["platforms"].append(entry[0]))
    stack.up().ok()
    appliance.connected(stack, "3.0.0")
    assert appliance.deserved(stack) == 4


@pytest.mark.long
@pytest.mark.row("R3", "R4")
def test_destroyed_with_its_site_it_comes_up_again(stack: Stack) -> None:
    before = appliance.clusters(stack), appliance.deserved(stack)
    stack.destroy().ok()
    parts: dict[str, Any] = {}

    def bare(site: dict[str, Any]) -> None:
        parts.update({key: site.pop(key) for key in ("gpuOperator", "monitoring", "storage", "platforms")})

    stack.edit(bare)
    stack.up().ok()
    appliance.around()
    stack.edit(lambda site: site.update(parts))
    stack.up().ok()
    assert (appliance.clusters(stack), appliance.deserved(stack)) == before
    assert "runai/connected" in stack.works("-o", "json").out
