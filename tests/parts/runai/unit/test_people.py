"""Who gets what of Run:ai. Does not prove: that its API takes it."""

from pathlib import Path
from typing import Any

import pytest

from components.platforms.runai import nodes, people
from components.platforms.runai.config import PoolQuota
from components.platforms.runai.people import Access
from components.tenancy.config import Share
from ops import cluster
from stacks.checks import notes
from stacks.ground import shares
from tests.parts.runai.authority import FILES
from tests.parts.runai.sites import HOSTS, parts_of, site_of
from tests.unit.test_layers_in_a_row import plan_of

OWN, OTHER = "https://ai.example.org/auth/realms/runai", "https://id.example.org/realms/ai"
CA, ANA = str(FILES / "authority.pem"), "ana@example.org"
SYSTEM, GPU, CPU = (f"node-role.kubernetes.io/runai-{name}" for name in ("system", "gpu-worker", "cpu-worker"))


def labels(folder: Path, hosts: dict[str, Any] = HOSTS, **more: Any) -> dict[str, dict[str, str]]:
    """Run:ai's labels, by host."""
    site = site_of(folder, hosts=hosts, **more)
    mine = {SYSTEM, GPU, CPU, nodes.POOL}
    return {name: {k: v for k, v in host.labels.items() if k in mine} for name, host in site.hosts.items()}


@pytest.mark.row("R5")
def test_roles_are_labels_of_the_hosts_named(tmp_path: Path) -> None:
    of = {"system": ["sys-1"], "gpuWorker": ["gpu-1"], "cpuWorker": ["cpu-1"]}
    found = labels(tmp_path, nodes=of, nodePools={"big": {"hosts": ["gpu-2"]}})
    assert found == {
        "cp-1": {},
        "sys-1": {SYSTEM: "true"},
        "gpu-1": {GPU: "true"},
        "gpu-2": {nodes.POOL: "big"},
        "cpu-1": {CPU: "true"},
    }
    assert labels(tmp_path)["sys-1"] == {}


@pytest.mark.row("R5")
def test_all_are_the_workers_that_run_nothing_of_run_ai(tmp_path: Path) -> None:
    found = labels(tmp_path, nodes={"system": ["sys-1"], "all": True})
    assert [name for name, of in found.items() if GPU in of] == ["cpu-1", "gpu-1", "gpu-2"]


@pytest.mark.row("R5")
def test_a_host_that_is_gone_has_no_role(tmp_path: Path) -> None:
    hosts = {**HOSTS, "gpu-1": {**HOSTS["gpu-1"], "state": "gone"}}
    assert labels(tmp_path, hosts, nodes={"gpuWorker": ["gpu-1", "gpu-2"]})["gpu-1"] == {}


@pytest.mark.row("R5")
def test_the_label_goes_to_the_node_by_the_layer_that_also_takes_it_off(tmp_path: Path) -> None:
    plan = plan_of(site_of(tmp_path, nodes={"system": ["sys-1"]}))
    [members] = [each for each in plan.resources.values() if f"{SYSTEM}=true" in str(each.inputs.get("create"))]
    assert "node_member" in members.inputs["create"]


@pytest.mark.row("R6")
def test_a_projects_gpus_are_what_it_deserves(tmp_path: Path) -> None:
    site = site_of(tmp_path, departments={"research": {"gpus": 4}}, projects={"audio": {"overQuota": 0, "limit": 3}})
    config, known = parts_of(site)
    assert people.project_pools(config, "vision", known) == {"default": PoolQuota(gpus=4)}
    wanted = PoolQuota(gpus=2, limit=3, overQuota=0)
    assert people.project_pools(config, "audio", known) == {"default": wanted}
    assert people.department_pools(config, "research") == {"default": PoolQuota(gpus=4)}


@pytest.mark.row("R6")
def test_a_namespace_has_room_for_idle_gpus_that_run_ai_may_lend(tmp_path: Path) -> None:
    def gpus(**more: Any) -> int:
        share = people.shares(*parts_of(site_of(tmp_path, projects={"vision": more})))["vision"]
        assert share.labels == {"runai/queue": "vision"}
        return share.gpus

    assert [gpus(), gpus(limit=6), gpus(overQuota=0)] == [8, 6, 4]
    split = {"default": {"gpus": 1, "overQuota": 0}, "big": {"gpus": 3, "limit": 4}}
    config, known = parts_of(
        site_of(tmp_path, nodePools={"big": {"hosts": ["gpu-1"]}}, projects={"vision": {"pools": split}})
    )
    assert people.shares(config, known)["vision"] == Share(5, {"runai/queue": "vision"})


@pytest.mark.row("R6")
def test_the_quota_of_the_namespace_and_its_label_follow(tmp_path: Path) -> None:
    plan = plan_of(site_of(tmp_path, projects={"vision": {"limit": 6}}))
    assert plan.one("vision-quota").inputs["spec"]["hard"]["requests.nvidia.com/gpu"] == "6"
    assert plan.one("vision").inputs["metadata"]["labels"]["runai/queue"] == "vision"


@pytest.mark.row("R6", "R7")
def test_members_groups_and_administrators_have_their_roles(tmp_path: Path) -> None:
    site = site_of(tmp_path, administrators=["ben"], projects={"audio": {"role": "Viewer"}})
    found = dict(people.accesses(*parts_of(site)))
    assert found == {
        "administrator-ben": Access("ben@example.org", "user", "System administrator", ""),
        "vision-member-ana": Access("ana@example.org", "user", "AI practitioner", "vision"),
        "vision-member-ben": Access("ben@example.org", "user", "AI practitioner", "vision"),
        "audio-group-listeners": Access("listeners", "group", "Viewer", "audio"),
    }


@pytest.mark.row("R6")
def test_before_3_0_a_member_is_a_researcher(tmp_path: Path) -> None:
    of = {"controlPlane": {"chart": "./a.tgz"}, "cluster": {"chart": "./b.tgz"}}
    operator = {"gpuOperator": {"version": "v26.3.0"}, "allowUntested": True}
    config, _ = parts_of(site_of(tmp_path, version="2.25.0", of=operator, **of))
    assert people.role(config, "vision") == "L1 researcher"


@pytest.mark.row("R6")
def test_verify_wants_the_quota_that_the_namespace_has(tmp_path: Path) -> None:
    site = site_of(tmp_path, projects={"vision": {"limit": 6}})
    wanted = shares(site)["vision"].gpus
    said = {seen: cluster.project("cp-1", "vision", wanted, {"requests.nvidia.com/gpu": seen}) for seen in ("6", "4")}
    assert {seen: check.status for seen, check in said.items()} == {"6": "ok", "4": "failed"}
    assert wanted == 6


@pytest.mark.row("R7", "S4")
@pytest.mark.parametrize(
    ("oidc", "called"),
    [
        ({"issuer": OWN, "client": "runai", "usernamePrefix": "", "caFile": CA}, ANA),
        ({"issuer": OWN, "client": "runai", "usernamePrefix": "", "caFile": CA, "usernameClaim": "email"}, ANA),
        ({"issuer": OTHER, "client": "k", "usernamePrefix": ""}, "ana"),
        ({"issuer": OTHER, "client": "k", "usernamePrefix": "", "usernameClaim": "email"}, ANA),
        ({"issuer": OTHER, "client": "k", "usernameClaim": "email"}, f"oidc:{ANA}"),
        (None, "ana"),
    ],
)
def test_a_project_lets_members_in_by_the_name_that_tokens_have(
    tmp_path: Path, oidc: dict[str, str] | None, called: str
) -> None:
    plan = plan_of(site_of(tmp_path, of={"kubernetes": {"oidc": oidc} if oidc else {}}))
    [binding] = [each for each in plan.resources.values() if each.name == "vision-edit"]
    assert [each["name"] for each in binding.inputs["subjects"]] == [called, called.replace("ana", "ben")]


@pytest.mark.row("R7")
def test_another_issuer_whose_tokens_do_not_say_the_email_is_a_note(tmp_path: Path) -> None:
    def lines(oidc: dict[str, str]) -> list[str]:
        site = site_of(tmp_path, of={"kubernetes": {"oidc": {"issuer": OTHER, "client": "k", **oidc}}})
        return [line for line in notes(site) if "not by Run:ai" in line]

    [line] = lines({"usernameClaim": "email"})
    assert 'Write usernameClaim: email and usernamePrefix: ""' in line
    assert lines({"usernameClaim": "email", "usernamePrefix": ""}) == []
