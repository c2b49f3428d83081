"""The main job, end to end on the emulated hosts: one site from nothing on, in an operator's order.

The tests of this file build on each other; test_site_part.py goes on until the site is destroyed. Does not prove: real
metal, real GPUs, NetworkPolicy (the plain bridge enforces none), loss of unsynced data. With the official plugins in
PULUMI_HOME they are what is tested.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.hosts import faults, lab
from lab.hosts.inventory import host as lab_host
from tests.lab import plugin
from tests.lab.cluster import identity, kubeconfig, kubectl, ready_nodes, running_since, taints
from tests.lab.dev_site import DevSite
from tests.lab.stack import HOSTS, SPARE_HOST, Stack, but_owner, kill_session, ledger, on, until, watched

pytestmark = [pytest.mark.lab, pytest.mark.hosts("cp-1", "cpu-1", "gpu-1", "spare-1")]


@pytest.fixture(scope="module")
def clean(site_clean: dict[str, Any]) -> dict[str, Any]:
    return site_clean


@pytest.fixture(scope="module")
def stack(site_stack: Stack) -> Stack:
    return site_stack


def test_gr1_a_run_killed_in_the_middle_leaves_something_to_finish(stack: Stack) -> None:
    process = stack.start(*stack.command("up", "--yes", "--skip-preview"))
    until(
        lambda: ledger("gpu-1", "engine").count("\n") > 1 or process.poll() is not None,
        what="an engine step on gpu-1",
        limit=1500,
    )
    assert process.poll() is None, (stack.folder / "killed.log").read_text()[-6000:]
    kill_session(process)
    assert stack.export()["deployment"].get("pending_operations")


def test_gr1_gr2_the_next_up_finishes_it_and_leaves_nothing_pending(stack: Stack) -> None:
    stack.sitectl("recover").ok()
    stack.up().ok()
    assert not stack.export()["deployment"].get("pending_operations")
    assert ready_nodes() == set(HOSTS)


def test_the_verdict_is_ok(stack: Stack) -> None:
    verdict = json.loads(stack.works("-o", "json").out)
    assert verdict["ok"] is True
    assert verdict["failures"] == []
    assert {check["host"] for check in verdict["checks"]} >= set(HOSTS)
    namespaces = {item["metadata"]["name"] for item in kubectl("get", "namespaces")["items"]}
    assert "vision" in namespaces


def test_gr3_a_second_up_changes_nothing(stack: Stack) -> None:
    before = {host: faults.snapshot(lab_host(host), times=True) for host in HOSTS}
    running = running_since()
    again = stack.up().ok()
    assert "unchanged" in again.out
    assert not {"created", "updated", "deleted", "replaced"} & set(again.out.split("Resources:")[1].split())
    assert {host: faults.snapshot(lab_host(host), times=True) for host in HOSTS} == before
    assert running_since() == running


def test_a_power_cut_of_all_hosts_costs_the_site_nothing(stack: Stack, dev_site: DevSite) -> None:
    """Also what keeps it for the stories that start from it."""
    known = identity()
    dev_site.keep(stack)
    dev_site.boot(stack)
    assert (identity(), ready_nodes()) == (known, set(HOSTS))


def test_a_host_costs_at_most_eight_resources(stack: Stack) -> None:
    urns = [r["urn"] for r in stack.export()["deployment"]["resources"]]
    for host in HOSTS:
        own = [urn for urn in urns if urn.rpartition("::")[2].startswith(f"{host}-")]
        assert 0 < len(own) <= 8, own


def test_gk1_no_bootstrap_token_is_left(stack: Stack) -> None:  # noqa: ARG001
    secrets = kubectl("get", "secrets", "-n", "kube-system")["items"]
    assert [s["metadata"]["name"] for s in secrets if s["type"] == "bootstrap.kubernetes.io/token"] == []
    assert "kubeadm-certs" not in {s["metadata"]["name"] for s in secrets}


def test_x3_the_policy_pack_stops_a_privileged_project(stack: Stack) -> None:
    stack.preview("--policy-pack", "policy").ok()
    stack.edit(lambda site: site["projects"]["vision"].update({"podSecurity": "privileged"}))
    refused = stack.preview("--policy-pack", "policy")
    stack.edit(lambda site: site["projects"]["vision"].pop("podSecurity"))
    assert refused.status != 0
    assert "[mandatory]" in refused.text
    assert "Fix: projects.vision.podSecurity: baseline." in refused.text


def test_gr14_a_lost_state_changes_no_host_and_not_the_clusters_identity(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = {host: but_owner(host) for host in HOSTS}
    known = (running_since(), identity(), kubeconfig(stack))
    lost = Stack("dev", tmp_path_factory.mktemp("lost"))
    lost.create(YAML().load(stack.file)["config"]["gpu-metal:site"])
    lost.up().ok()
    assert {host: but_owner(host) for host in HOSTS} == before
    assert (running_since(), identity(), kubeconfig(lost)) == known
    stack.go_on_as(lost)  # the hosts refuse the first state from here on


def test_gr9_preview_needs_no_host_and_finds_nothing_to_do(stack: Stack) -> None:
    for host in HOSTS:
        faults.freeze(lab_host(host))
    try:
        stack.preview("--expect-no-changes").ok()
    finally:
        for host in HOSTS:
            faults.thaw(lab_host(host))


@pytest.mark.row("X22")
def test_what_hands_changed_is_named_and_mended(stack: Stack) -> None:
    # The hosts were frozen: on a busy machine so long that a kubelet has missed its engine, and says so for a while.
    until(lambda: stack.sitectl("drift").status == 0, what="a site without drift", limit=120, pause=5)
    on("cpu-1", ["sh", "-c", "echo 'net.core.somaxconn = 1' > /etc/sysctl.d/99-zz-gpu-metal.conf"])
    admin = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "--namespace", "vision"]
    on("cp-1", [*admin, "patch", "resourcequota", "project", "--type=merge", "-p", '{"spec":{"hard":{"pods":"999"}}}'])
    on("cp-1", [*admin, "delete", "networkpolicy/project", "rolebinding/project"])
    seen = stack.sitectl("drift", "--record", "-o", "json")
    assert seen.status == 1, seen.text
    failed = {c["id"]: c for c in json.loads(seen.out)["checks"] if c["status"] == "failed"}
    assert failed.pop("base/sysctl")["host"] == "cpu-1"
    assert {name: (c["saw"], c["want"]) for name, c in failed.items()} == {
        "object/ResourceQuota/vision/project": ("spec.hard.pods is 999", "100"),
        "object/NetworkPolicy/vision/project": ("is not there.", ""),
        "object/RoleBinding/vision/project": ("is not there.", ""),
    }
    shown = stack.preview("--diff").ok().out
    assert "~ 2 to update" in shown
    assert "+ 2 to create" in shown
    assert '"999" => "100"' in shown
    stack.up().ok()
    assert json.loads(stack.sitectl("verify", "-o", "json").out)["failures"] == []


def test_gx1_the_plugins_kubeconfig_goes_with_the_run(stack: Stack) -> None:
    """Also that nothing is left to do after what was mended."""
    plugin.leaves_no_kubeconfig(stack)


def test_one_changed_sysctl_is_one_readable_line_a_host(stack: Stack) -> None:
    stack.edit(lambda site: site["sysctl"].update({"net.core.somaxconn": "4100"}))
    shown = stack.preview("--diff").ok().out
    changed = [line for line in shown.splitlines() if line.lstrip().startswith(("+ ", "- ")) and "somaxconn" in line]
    assert len(changed) == 2 * len(HOSTS), shown
    assert f"~ {len(HOSTS)} to update" in shown
    assert "to create" not in shown


def test_gr6_a_frozen_host_ends_the_run_by_a_deadline_and_keeps_no_other_from_it(stack: Stack) -> None:
    faults.freeze(lab_host("gpu-1"))
    try:
        ran = stack.up()
        down = stack.sitectl("drift", "-o", "json")
    finally:
        faults.thaw(lab_host("gpu-1"))
    assert ran.status != 0
    assert "gpu-1 [" in ran.text
    assert ran.seconds < 600
    assert down.status == 4
    assert {c["host"] for c in json.loads(down.out)["checks"] if c["status"] == "unknown"} == {"gpu-1"}
    assert on("cpu-1", ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4100"
    stack.up().ok()
    assert all(on(h, ["sysctl", "-n", "net.core.somaxconn"]).strip() == "4100" for h in HOSTS)
    assert not stack.export()["deployment"].get("pending_operations")


def add_spare(site: dict[str, Any]) -> None:
    """The site with one worker more."""
    labels, taints = {"pool": "a", "node-role.kubernetes.io/spare": ""}, ["pool=a:NoSchedule"]
    site["hosts"][SPARE_HOST] = {"address": "10.213.77.41", "labels": labels, "taints": taints}


def test_a_worker_is_added_by_config_alone(stack: Stack, spare: str) -> None:
    before = faults.snapshot(lab_host("gpu-1"))["files"]
    stack.edit(add_spare)
    with watched(["cp-1", spare]) as tokens:
        stack.up().ok()
    assert tokens == []
    assert ready_nodes() == {*HOSTS, spare}
    after = faults.snapshot(lab_host("gpu-1"))["files"]
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert {path for path in changed if not path.startswith("/var/lib/gpu-metal")} == {"/etc/hosts"}


def test_a_worker_whose_disk_is_new_rejoins_with_labels_and_taints_in_one_run(stack: Stack, spare: str) -> None:
    node = kubectl("get", "node", spare)
    lab.reset(lab_host(spare))
    assert stack.sitectl("drift", "--record").status == 1
    stack.up().ok()
    after = kubectl("get", "node", spare)
    assert after["metadata"]["uid"] != node["metadata"]["uid"]
    assert after["metadata"]["labels"] == node["metadata"]["labels"]
    assert taints(after) == taints(node) != []
    assert spare in stack.sitectl("drift").ok().out


@pytest.mark.long
def test_a_worker_that_was_taken_out_comes_back_by_a_plain_up(stack: Stack, spare: str) -> None:
    """Nothing about it differs from before but that it had left."""
    node = kubectl("get", "node", spare)
    stack.edit(lambda site: site["hosts"][SPARE_HOST].update({"state": "gone"}))
    stack.up().ok()
    assert ready_nodes() == {*HOSTS}
    stack.edit(lambda site: site["hosts"][SPARE_HOST].pop("state"))
    stack.up().ok()
    after = kubectl("get", "node", spare)
    assert ready_nodes() == {*HOSTS, spare}
    assert after["metadata"]["labels"] == node["metadata"]["labels"]
    assert taints(after) == taints(node) != []
    stack.up("--expect-no-changes").ok()


def test_gd2_a_dead_worker_is_removed_without_a_connection(stack: Stack, spare: str) -> None:
    faults.power_cut(lab_host(spare))
    stack.edit(lambda site: site["hosts"][SPARE_HOST].update({"state": "gone"}))
    stack.up().ok()
    assert {n["metadata"]["name"] for n in kubectl("get", "nodes")["items"]} == set(HOSTS)
    stack.edit(lambda site: site["hosts"].pop(SPARE_HOST))
    stack.up().ok()
    assert SPARE_HOST not in json.dumps([r["urn"] for r in stack.export()["deployment"]["resources"]])


@pytest.mark.long
def test_a_chart_is_a_release_that_heals_after_a_failed_one(stack: Stack, tmp_path: Path) -> None:
    plugin.installs_a_chart(stack, tmp_path, kubeconfig(stack), kubectl)


def test_gd1_a_live_worker_is_removed_by_config_alone(stack: Stack, clean: dict[str, Any]) -> None:
    def change(site: dict[str, Any]) -> None:
        del site["hosts"]["cpu-1"]
        del site["groups"]["gpu"]["taints"]  # its pods need another place

    stack.edit(change)
    stack.up().ok()
    assert ready_nodes() == {"cp-1", "gpu-1"}
    assert taints(kubectl("get", "node", "gpu-1")) == []
    assert faults.snapshot(lab_host("cpu-1")) == clean["cpu-1"]
