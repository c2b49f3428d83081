"""One story of what a site has in its cluster: GPUs in pods, volumes that pods share, an address that answers from
outside, measurements and alerts, users and projects. By one edit on the lab's site at work; then drift, destroy, up
again, and out again.

Does not prove: NVIDIA's operator, HAProxy's controller and the chart of Prometheus, for which the lab has stand-ins;
what the loopback API server of tests/plugins/test_projects.py proves of every user, verb and namespace.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab import at_work
from tests.lab.cluster import kubectl
from tests.lab.stack import HOSTS, Stack, on, until
from tests.parts.gpu_operator.lab import gpu_pods as gpus
from tests.parts.ingress.lab import front
from tests.parts.monitoring.lab import measured
from tests.parts.storage.lab import shares

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1")]

NODE = "gpu-1"
OFFER = f"gpu-operator/{gpus.GPU}"


@pytest.fixture(scope="module")
def stack(cluster: Stack) -> Stack:
    """All parts by one edit."""
    at_work.everything(cluster)
    cluster.sitectl("preflight").ok()
    cluster.up().ok()
    front.open_shop()
    return cluster


@pytest.fixture(scope="module")
def people(stack: Stack) -> dict[str, Path]:
    """A kubeconfig for each user, by `sitectl user kubeconfig`."""
    return {name: at_work.kubeconfig(stack, name) for name in at_work.USERS}


@pytest.mark.row("S4", "S5", "X14")
def test_each_user_may_work_in_own_projects_and_nowhere_else(people: dict[str, Path]) -> None:
    does = (("create", "pods"), ("get", "secrets"), ("delete", "persistentvolumeclaims"))
    for name, config in people.items():
        own = {(*each, project): name in of["members"] for project, of in at_work.PROJECTS.items() for each in does}
        wanted = {**own, ("get", "secrets", "kube-system"): False}
        assert at_work.may_each(config, wanted) == wanted, name


@pytest.mark.row("O1", "O4", "S4")
def test_a_pod_gets_two_of_eight_gpus_and_its_projects_quota_no_more(stack: Stack, people: dict[str, Path]) -> None:
    gpus.comes_to_offer(NODE, 8)
    gpus.pod("two", 2, "vision", people["ana"])
    *seen, told = gpus.said_by("two", "vision")
    chosen = told.removeprefix("told ").split(",")
    assert (len(set(seen)), len(set(chosen))) == (2, 2)
    assert set(chosen) <= set(gpus.uuids(NODE))
    assert kubectl("get", "pod", "two", "-n", "vision")["spec"]["nodeName"] == NODE
    refused = gpus.pod("three", 3, "vision", people["ana"])
    assert "exceeded quota: project" in refused
    assert "forbidden" in gpus.pod("other", 1, "vision", people["dan"])
    until(lambda: gpus.verdict(stack)["gpu-operator/gpu-smoke"][0] == "ok", what="the smoke pod", limit=120, pause=2)


@pytest.mark.row("S1", "S2")
def test_a_pod_on_one_node_reads_what_its_user_wrote_on_another(stack: Stack) -> None:  # noqa: ARG001 - it is up
    write = "echo from $(hostname) >/data/file && chmod 600 /data/file && stat -c %u:%g:%a /data"
    assert shares.run("writer", "cpu-1", 2000, write) == "2000:2000:2770\n"
    assert shares.run("reader", "gpu-1", 2000, "cat /data/file") == "from writer\n"
    assert "Permission denied" in shares.run("stranger", "gpu-1", 2001, "cat /data/file")
    assert on("cp-1", ["cat", f"{shares.FOLDER}/file"]) == "from writer\n"


@pytest.mark.row("S3", "S7")
def test_a_claim_without_a_class_gets_a_volume_of_the_default_one(stack: Stack) -> None:  # noqa: ARG001 - it is up
    shares.claim("own", "10Mi")
    assert shares.run("own", "cpu-1", 2000, "echo mine >/data/file && cat /data/file", claim="own") == "mine\n"
    assert kubectl("get", "pvc", "own", "-n", "vision")["spec"]["storageClassName"] == "local"


@pytest.mark.row("L1", "L2", "M3")
def test_the_address_answers_from_outside_and_the_verdict_has_each_part(stack: Stack) -> None:
    until(lambda: front.page("/busybox").endswith("200 OK"), what="the page under its name")
    assert front.shown() == front.fingerprint(stack)
    stack.up("--expect-no-changes").ok()
    verdict = json.loads(stack.works("-o", "json").out)
    said = {(check["host"], check["id"]): (check["status"], check["saw"]) for check in verdict["checks"]}
    assert said[NODE, OFFER] == ("ok", "8 for pods")
    assert said["cp-1", "ingress/answers"] == ("ok", f"{front.ADDRESS}:443 answers")
    assert said["cp-1", "ingress/certificate"][1].startswith("89 days left")
    assert said["cp-1", "ingress/name"][0] == "note"  # the lab has no name server for the domain
    names = ("load-balancer/metallb-speaker", "storage/volumes/shared", "storage/default-class")
    assert {said["cp-1", name][0] for name in names} == {"ok"}
    assert {said[host, "storage/mounts"][0] for host in HOSTS} == {"ok"}


@pytest.mark.row("M1", "M3")
def test_an_xid_error_is_an_alert_that_verify_names(stack: Stack) -> None:
    said = measured.said(stack)
    assert said["monitoring/targets"][1].split(":")[0] == "targets up"
    assert [said[f"monitoring/{name}"][0] for name in ("targets", "alerts")] == ["ok", "ok"]
    assert said["monitoring/alerts"][1] == "no alert fires"
    measured.report_xid(NODE, 79)
    until(lambda: "GpuXid" in measured.firing(), what="the alert", limit=120, pause=1)
    status, saw, fix = measured.said(stack)["monitoring/alerts"]
    assert (status, saw) == ("failed", f"critical alerts fire: GpuXid ({NODE}).")
    assert fix.startswith(f"./sitectl verify {NODE}; ")
    measured.restart_exporter(NODE)
    until(lambda: "GpuXid" not in measured.firing(), what="the end of the alert", limit=120, pause=1)
    stack.works()


@pytest.mark.row("O4", "M3", "X22")
def test_what_fails_or_was_changed_is_named_and_mended(stack: Stack) -> None:
    gpus.unplug(NODE, 3)
    gpus.comes_to_offer(NODE, 7)
    on("cp-1", ["systemctl", "stop", "nfs-ganesha"])
    on("cp-1", [*front.KUBECTL, "-n", "audio", "delete", "rolebinding/project", "networkpolicy/project"])
    on("cp-1", [*front.KUBECTL, "-n", "metallb-system", "delete", "ipaddresspool", "--all"])
    failed = {(each["host"], each["id"]) for each in at_work.failed(stack, "verify")}
    assert {(NODE, OFFER), *((host, "storage/mounts") for host in HOSTS)} <= failed
    named = {each["id"] for each in at_work.failed(stack, "drift", "--record")}
    assert {"object/RoleBinding/audio/project", "object/NetworkPolicy/audio/project"} <= named
    assert [name for name in named if name.startswith("object/IPAddressPool/metallb-system/")], named
    gpus.plug(NODE, 3)
    gpus.comes_to_offer(NODE, 8)
    stack.up().ok()
    stack.works()
    assert front.page("/busybox").endswith("200 OK")


@pytest.mark.row("L2")
def test_a_certificate_is_rotated_by_one_edit_and_nothing_restarts(stack: Stack) -> None:
    before, former = front.pods(), front.shown()
    own = front.renew(stack)
    assert own != former
    assert {each["id"] for each in at_work.failed(stack, "verify")} == {"ingress/certificate"}
    assert "2 updated" in stack.up().ok().out, "the Secret, and the alert about the certificate's end"
    until(lambda: front.shown() == own, what="the new certificate")
    assert front.pods() == before


@pytest.mark.row("X14", "S6")
def test_a_user_and_a_project_that_leave_keep_their_data_until_they_are_purged(
    stack: Stack, people: dict[str, Path]
) -> None:
    stack.sitectl("user", "remove", "ben", "--yes").ok()
    stack.sitectl("project", "remove", "audio", "--yes").ok()
    stack.up().ok()
    assert not at_work.may(people["ben"], "get", "pods", "vision")
    assert not at_work.may(people["dan"], "get", "pods", "audio")
    assert at_work.may(people["ana"], "get", "pods", "vision")
    assert kubectl("get", "namespace", "audio")["status"]["phase"] == "Active"
    stack.sitectl("project", "purge", "audio", "--yes", "--data").ok()
    assert "audio" not in {each["metadata"]["name"] for each in kubectl("get", "namespaces")["items"]}
    assert on("cp-1", ["cat", f"{shares.FOLDER}/file"]) == "from writer\n"


@pytest.mark.long
def test_destroy_takes_all_of_it_and_it_comes_up_again_on_its_data(stack: Stack) -> None:
    stack.destroy().ok()
    assert on("cp-1", ["cat", f"{shares.FOLDER}/file"]) == "from writer\n"
    stack.up().ok()
    front.open_shop()
    stack.works()
    until(lambda: front.page("/busybox").endswith("200 OK"), what="the page under its name")
    assert shares.run("reader", "cpu-1", 2000, "cat /data/file") == "from writer\n"
    stack.up("--expect-no-changes").ok()


def claimed(volume: dict[str, Any]) -> tuple[str, str]:
    """Namespace and name of the claim that has it."""
    return volume["spec"]["claimRef"]["namespace"], volume["spec"]["claimRef"]["name"]


@pytest.mark.row("O1", "S1", "L1", "L2", "M1")
def test_without_their_lines_all_parts_are_gone_but_data(stack: Stack) -> None:
    on("cp-1", [*front.KUBECTL, "delete", "pod", "--all", "-n", "vision"], limit=120)
    on("cp-1", [*front.KUBECTL, "delete", "pvc", "own", "-n", "vision", "--ignore-not-found"])
    own = ("vision", "own")  # its volume goes with it, by the provisioner that leaves now
    until(lambda: own not in map(claimed, kubectl("get", "pv")["items"]), what="the end of the claim's volume")
    at_work.nothing(stack)
    stack.up().ok()
    left = {each["metadata"]["name"] for each in kubectl("get", "namespaces")["items"]}
    assert not {"gpu-operator", "metallb-system", "haproxy-controller", "monitoring"} & left
    assert kubectl("get", "pv")["items"] == []
    gpus.comes_to_offer(NODE, 0)
    assert on("cp-1", ["bash", "-c", "systemctl is-active nfs-ganesha || true"]).strip() == "inactive"
    assert on("cp-1", ["cat", f"{shares.FOLDER}/file"]) == "from writer\n"
    stack.works()
