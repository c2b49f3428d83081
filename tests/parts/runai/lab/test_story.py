"""The story of Run:ai on the lab's site: up, unchanged, one edit each, drift by hand, out of it, up again.

Does not prove: Run:ai itself, for which the lab has a stand-in with its documented names, values and calls.
"""

from typing import Any

import pytest

from tests.lab import at_work
from tests.lab.cluster import kubectl
from tests.lab.stack import Stack
from tests.parts.runai.lab import appliance

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]


@pytest.fixture(scope="module")
def stack(cluster: Stack) -> Stack:
    """Run:ai, and what it needs, by one edit."""
    appliance.add(cluster)
    appliance.around()
    cluster.sitectl("preflight").ok()
    cluster.up().ok()
    return cluster


@pytest.mark.row("R1", "R3", "R4", "R5", "R6")
def test_it_comes_up_connected_with_people_and_roles_and_a_second_up_changes_nothing(stack: Stack) -> None:
    assert appliance.states(stack) == ["Connected"]
    assert (appliance.deserved(stack), appliance.project(stack)["status"]["namespace"]) == (4, "vision")
    assert appliance.subjects(stack) == {"ana@lab.example.org", "ben@lab.example.org"}
    assert appliance.role("cpu-1", "system")
    assert appliance.role("gpu-1", "gpu-worker")
    pods = kubectl("get", "pods", "-n", "runai-backend")["items"] + kubectl("get", "pods", "-n", "runai")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"cpu-1"}
    assert "runai/connected" in stack.works("-o", "json").out
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("R7")
def test_a_researcher_may_work_in_the_own_project_and_nowhere_else(stack: Stack) -> None:
    config = at_work.kubeconfig(stack, "ana")
    assert at_work.may(config, "create", "pods", "vision")
    assert not at_work.may(config, "create", "pods", "default")
    assert not at_work.may(config, "get", "secrets", "runai-backend")


@pytest.mark.row("R5", "R6")
def test_one_edit_each_is_one_change(stack: Stack) -> None:
    def change(site: dict[str, Any]) -> None:
        site["projects"]["vision"].update(gpus=3, members=["ana"])
        site["platforms"][0]["nodes"]["cpuWorker"] = ["cpu-1"]
        del site["platforms"][0]["nodes"]["gpuWorker"]
        site["platforms"][0]["nodes"]["all"] = True

    stack.edit(change)
    stack.up().ok()
    assert appliance.deserved(stack) == 3
    assert appliance.subjects(stack) == {"ana@lab.example.org"}
    assert appliance.role("cpu-1", "cpu-worker")
    assert appliance.role("gpu-1", "gpu-worker")


@pytest.mark.row("R6")
def test_a_quota_changed_by_hand_is_named_and_mended(stack: Stack) -> None:
    appliance.change_quota(stack, 1)
    named = [each["id"] for each in at_work.failed(stack, "drift", "--record")]
    assert [name for name in named if "vision" in name], named
    stack.up().ok()
    assert appliance.deserved(stack) == 3


@pytest.mark.row("R4", "R5", "R6")
def test_out_of_a_site_that_stays_and_up_again(stack: Stack) -> None:
    entry: list[Any] = []
    stack.edit(lambda site: entry.append(site["platforms"].pop()))
    stack.up().ok()
    left = {each["metadata"]["name"] for each in kubectl("get", "namespaces")["items"]}
    assert not {"runai", "runai-backend"} & left
    assert "vision" in left
    assert not appliance.role("cpu-1", "system")
    stack.edit(lambda site: site["platforms"].append(entry[0]))
    stack.up().ok()
    appliance.connected(stack)
    assert appliance.deserved(stack) == 3
