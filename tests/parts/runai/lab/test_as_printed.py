"""The sample as it is printed comes up on bare hosts, a host for each role: the whole appliance of the document.

Does not prove: what the stand-ins of Run:ai, MLflow, csi-driver-nfs and NVIDIA's operator stand for; gigabytes.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.cluster import kubectl
from tests.lab.stack import Stack
from tests.parts.runai.lab import appliance, as_printed, signed_in, vendor

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.hosts(*as_printed.PLACES.values())]

ANA, BEN, DAN = (f"{name}@example.org" for name in ("ana", "ben", "dan"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Up, from bare hosts, by one run."""
    with as_printed.appliance(tmp_path_factory.mktemp("appliance")) as stack:
        stack.up().ok()
        yield stack


@pytest.mark.row("R1", "R2", "R3", "R4", "R5", "R6", "R8", "R9")
def test_it_comes_up_and_a_second_up_changes_nothing(stack: Stack) -> None:
    assert signed_in.quotas(stack) == {"vision": {"default": 2, "a100": 2}, "speech": {"default": 2}}
    assert signed_in.subjects(stack) == {ANA, BEN, DAN}
    roles = {name: appliance.roles(place) for name, place in as_printed.PLACES.items()}
    assert roles == {
        **{name: set() for name in ("master", "nfs", "login")},
        **{name: {"system"} for name in ("sys-1", "sys-2")},
        **{name: {"gpu-worker"} for name in ("gpu-1", "gpu-2")},
        "cpu-1": {"cpu-worker"},
    }
    system = {as_printed.PLACES[name] for name in ("sys-1", "sys-2")}
    assert appliance.nodes_of("runai-backend", "runai", "mlflow") <= system
    volumes = kubectl("get", "pv")["items"]
    assert {each["spec"]["storageClassName"] for each in volumes} == {"shared"}
    assert {each["spec"]["claimRef"]["namespace"] for each in volumes} == {"runai-backend", "mlflow"}
    assert "runai/connected" in stack.works("-o", "json").out
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("R7")
def test_a_researcher_signs_in_and_submits_to_the_own_projects_and_to_nothing_else(stack: Stack) -> None:
    may = signed_in.Person.of(stack, BEN).may
    for project in ("vision", "speech"):
        assert may("create", "pods", project), project
    # By the site's own role as well as by that of Run:ai.
    binding = kubectl("get", "rolebinding", "project", "-n", "vision")
    assert {each["name"] for each in binding["subjects"]} == {ANA, BEN}
    assert not may("create", "pods", "default")
    assert not may("get", "secrets", "runai-backend")
    ana = signed_in.Person.of(stack, ANA)
    assert ana.may("create", "pods", "vision")
    assert not ana.may("create", "pods", "speech")
    text = stack.sitectl("user", "kubeconfig", "ana").ok().out
    assert "oidc-login" in text
    assert not {word for word in ("client-key", "client-certificate", "admin") if word in text}


@pytest.mark.row("R9")
def test_a_project_logs_a_run_on_its_own_server(stack: Stack) -> None:
    run = signed_in.logged(stack, {"loss": 0.25})
    assert run["data"]["metrics"] == [{"key": "loss", "value": 0.25}]
    assert run["info"]["status"] == "FINISHED"


@pytest.mark.row("R5", "R6", "R12")
def test_one_edit_each_and_what_was_changed_by_hand(stack: Stack) -> None:
    signed_in.change_quota(stack, "speech", 1)

    def change(site: dict[str, Any]) -> None:
        site["projects"]["vision"]["members"] = ["ana"]
        entry = site["platforms"][0]
        entry["projects"]["vision"]["pools"] = {"default": {"gpus": 1}, "a100": {"gpus": 3, "limit": 4}}
        entry["nodes"]["cpuWorker"].append(as_printed.PLACES["login"])

    stack.edit(change)
    changed = appliance.changed(stack.up("--refresh").ok())
    assert signed_in.quotas(stack) == {"vision": {"default": 1, "a100": 3}, "speech": {"default": 2}}
    assert appliance.roles(as_printed.PLACES["login"]) == {"cpu-worker"}
    assert not signed_in.Person.of(stack, BEN).may("create", "pods", "vision")
    assert {"runai-project-vision", "runai-project-speech", "runai-vision-member-ben"} <= changed
    assert not {"runai-control-plane", "runai-release", "runai-department-research"} & changed


@pytest.mark.row("R2", "R4", "R12")
def test_an_upgrade_takes_images_and_charts_of_the_next_archive_and_keeps_all(stack: Stack) -> None:
    assert signed_in.clusters(stack) == [("Connected", vendor.VERSION)]
    as_printed.bring(vendor.NEXT)
    stack.edit(lambda site: as_printed.upgraded(site["platforms"][0], vendor.NEXT))
    file = f"/var/lib/gpu-metal-runai/backend-{vendor.VERSION}-"
    assert f"the database of {vendor.VERSION} is saved as {file}" in stack.up().ok().out
    assert signed_in.clusters(stack) == [("Connected", vendor.NEXT)]
    assert signed_in.quotas(stack)["vision"] == {"default": 1, "a100": 3}
    assert signed_in.subjects(stack) == {ANA, BEN, DAN}
    stack.up("--expect-no-changes").ok()


@pytest.mark.row("R3", "R4", "R9")
def test_out_of_a_site_that_stays_and_up_again(stack: Stack) -> None:
    entry: list[Any] = []
    stack.edit(lambda site: entry.append(site.pop("platforms")))
    stack.up().ok()
    left = {each["metadata"]["name"] for each in kubectl("get", "namespaces")["items"]}
    assert not {"runai", "runai-backend", "mlflow"} & left
    assert {"vision", "speech"} <= left
    stack.edit(lambda site: site.update(platforms=entry[0]))
    stack.up().ok()
    assert signed_in.quotas(stack)["vision"] == {"default": 1, "a100": 3}
    stack.works()


@pytest.mark.row("R1", "R3", "R4", "R5", "R6")
def test_destroyed_it_comes_up_again(stack: Stack) -> None:
    stack.destroy().ok()
    stack.up().ok()
    assert signed_in.clusters(stack) == [("Connected", vendor.NEXT)]
    assert signed_in.quotas(stack)["vision"] == {"default": 1, "a100": 3}
    assert appliance.roles(as_printed.PLACES["gpu-1"]) == {"gpu-worker"}
    stack.works()
