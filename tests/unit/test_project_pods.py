"""What verify says of projects' pods and of quotas that no hosts have. Does not prove: kubectl's own output."""

import json
from typing import Any

import pytest

from tests.unit.fake_hosts import Sitectl

GOOD: dict[str, Any] = {
    "name": "main",
    "image": "registry.example.org/team/main:1",
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
}


def row(name: str, **spec: Any) -> str:
    return f"{name}\t{json.dumps({'containers': [GOOD], **spec})}\n"


def said(ctl: Sitectl, what: str, change: tuple[str, str] = ("", "")) -> tuple[str, str, str]:
    file = next(ctl.folder.glob("Pulumi.*.yaml"))
    file.write_text(file.read_text().replace(*change) if change[0] else file.read_text())
    check = next(each for each in ctl.json("verify")["checks"] if each["id"] == f"project/vision/{what}")
    return check["status"], check["saw"], check["fix"]


@pytest.mark.row("X3", "S4", "M3")
def test_pods_that_were_there_before_their_bounds_are_named(ctl: Sitectl) -> None:
    ctl.hosts.running = row("good")
    assert said(ctl, "pods")[:2] == ("ok", "1 run within its bounds")
    ctl.hosts.running += row("shares", hostNetwork=True, volumes=[{"name": "root", "hostPath": {"path": "/"}}])
    ctl.hosts.running += row("greedy", containers=[GOOD | {"resources": {}, "securityContext": {"privileged": True}}])
    status, saw, fix = said(ctl, "pods")
    assert (status, saw) == (
        "failed",
        "shares: hostNetwork shares the host with its pods; shares: volume root is a hostPath; "
        "greedy: container main is privileged … and 1 more.",
    )
    assert fix.startswith("on a control plane: kubectl -n vision get pod NAME -o yaml")


@pytest.mark.row("X3", "M3")
def test_images_of_other_registries_are_named(ctl: Sitectl) -> None:
    ctl.hosts.running = row("good") + row("other", initContainers=[GOOD | {"name": "first", "image": "busybox:1"}])
    assert said(ctl, "pods")[0] == "ok"
    allowed = ("    projects:\n", "    allowedRegistries: [registry.example.org/team]\n    projects:\n")
    assert said(ctl, "pods", allowed)[:2] == (
        "failed",
        "other: container first has image busybox:1, which is of none of allowedRegistries.",
    )


def test_a_project_that_may_share_the_host_by_the_site_may_and_has_its_images_all_the_same(ctl: Sitectl) -> None:
    ctl.hosts.running = row("shares", hostNetwork=True, containers=[GOOD | {"image": "busybox:1"}])
    assert said(ctl, "pods", ("{cpu:", "{podSecurity: privileged, cpu:"))[0] == "ok"
    allowed = ("    projects:\n", "    allowedRegistries: [docker.io]\n    projects:\n")
    assert said(ctl, "pods", allowed)[0] == "ok"
    assert said(ctl, "pods", ("docker.io", "docker.io/team"))[0] == "failed"


@pytest.mark.row("S4", "M3")
def test_a_quota_that_no_nodes_have_is_named_with_what_they_have(ctl: Sitectl) -> None:
    assert said(ctl, "fits")[:2] == ("ok", "the nodes have its quota")
    status, saw, fix = said(ctl, "fits", ("memory: 8Gi", "memory: 64Gi"))
    assert (status, saw) == (
        "failed",
        "its quota of memory is 64Gi, and all nodes together have cpu 12 and memory 48Gi for pods.",
    )
    assert fix == "write no more than that under projects.vision, or add hosts"
