"""The agent that enforces NetworkPolicies. That it does, and that its rules go with it, the lab's story shows."""

from pathlib import Path
from typing import Any

import pytest

from components.hostrun.step import content
from stacks.checks import notes
from stacks.load import site_from
from stacks.model import Site
from stacks.plan import preflight
from tests.unit.recorder import Plan
from tests.unit.step_host import StepHost
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("K4")
HOSTS = {"one": {"address": "10.0.0.1", "roles": ["control-plane"]}, "two": {"address": "10.0.0.2"}}
STEP = Path(__file__).parents[4] / "components/parts/policies/steps/policy_rules.sh"
NOBODY = "nothing enforces it"


def site_of(folder: Path, **network: Any) -> Site:
    data = {
        "hosts": HOSTS,
        "kubernetes": {},
        "network": {"serviceSubnet": "10.32.0.0/16", **network},
        "users": {"ana": {}},
        "projects": {"vision": {"members": ["ana"]}},
    }
    return site_from(data, stack="lab", folder=folder, keys=False)


def agent(found: Plan) -> dict[str, Any]:
    spec = found.one("policies-agent").inputs["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def test_every_node_has_the_firewall_and_nothing_else_of_kube_router(tmp_path: Path) -> None:
    pod = agent(plan_of(site_of(tmp_path, policies={})))
    assert (pod["hostNetwork"], pod["tolerations"]) == (True, [{"operator": "Exists"}])
    assert pod["containers"][0]["args"] == [
        "--run-firewall=true",
        "--run-router=false",
        "--run-service-proxy=false",
        "--service-cluster-ip-range=10.32.0.0/16",
        "--health-port=20244",
    ]


def test_its_rules_leave_a_host_after_the_agent(tmp_path: Path) -> None:
    """The DaemonSet depends on the hosts' layers, so that it goes first."""
    found = plan_of(site_of(tmp_path, policies={}))
    for name in HOSTS:
        assert "policy_rules@" in found.one(f"{name}-policies").inputs["create"]
        assert f"{name}-policies" in found.one(f"{name}-node").depends_on


@pytest.mark.parametrize("kind", ["flannel", "bridge"])
def test_a_project_that_nothing_keeps_apart_is_told(tmp_path: Path, kind: str) -> None:
    told = [note for note in notes(site_of(tmp_path, pods={"kind": kind})) if NOBODY in note]
    assert len(told) == 1
    assert "Write network: {policies: {}}" in told[0]


@pytest.mark.parametrize(
    "network",
    [
        {"policies": {}},
        {"policies": {"kind": "external"}},
        {"pods": {"kind": "flannel", "values": {"netpol": {"enabled": True}}}},
    ],
)
def test_each_way_to_enforce_them_counts(tmp_path: Path, network: dict[str, Any]) -> None:
    assert not [note for note in notes(site_of(tmp_path, **network)) if NOBODY in note]


def test_an_external_one_brings_nothing(tmp_path: Path) -> None:
    site = site_of(tmp_path, policies={"kind": "external"})
    assert not [each.name for each in plan_of(site).resources.values() if each.name.startswith("policies-")]
    assert not [step for host in site.hosts.values() for step in preflight(site, host) if step.id == "policy_rules"]


def test_pods_of_one_node_pass_the_filter(tmp_path: Path) -> None:
    host, script = StepHost(tmp_path), tmp_path / STEP.name
    script.write_text(content(STEP).decode())
    host.program("sysctl", "printf 0")
    status, said = host.call(script, "check", {})
    assert (status, said.startswith("net.bridge.bridge-nf-call-iptables is 0, wants 1")) == (10, True)
    host.program("sysctl", "printf 1")
    assert host.call(script, "check", {}) == (0, "")


RULES = """\
-P FORWARD ACCEPT
-N KUBE-FORWARD
-N KUBE-NWPLCY-ABCDEF
-N KUBE-POD-FW-GHIJKL
-N KUBE-ROUTER-FORWARD
-A FORWARD -m comment --comment "kube-router netpol - TEMCG2JMHZYE7H7T" -j KUBE-ROUTER-FORWARD
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A KUBE-ROUTER-FORWARD -d 10.244.1.2/32 -m comment --comment "rule to jump to POD name:a" -j KUBE-POD-FW-GHIJKL
"""


def test_what_the_agent_leaves_goes_and_nothing_else(tmp_path: Path) -> None:
    host, script, did = StepHost(tmp_path), tmp_path / STEP.name, tmp_path / "did"
    script.write_text(content(STEP).decode())
    (tmp_path / "rules").write_text(RULES)
    host.program("pgrep", "false")
    for name in ("iptables", "ip6tables"):
        host.program(name, f'if [[ $2 == -S ]]; then cat {tmp_path}/rules; else echo "{name} ${{*:2}}" >>{did}; fi')
    host.program("ipset", f'if [[ $1 == list ]]; then echo KUBE-SRC-A; echo other; else echo "ipset $*" >>{did}; fi')
    assert host.call(script, "undo", {})[0] == 0
    lines = did.read_text().splitlines()
    assert (
        "iptables -D FORWARD -m comment --comment kube-router netpol - TEMCG2JMHZYE7H7T -j KUBE-ROUTER-FORWARD" in lines
    )
    for chain in ("KUBE-NWPLCY-ABCDEF", "KUBE-POD-FW-GHIJKL", "KUBE-ROUTER-FORWARD"):
        assert lines.index(f"iptables -F {chain}") < lines.index(f"iptables -X {chain}")
    assert not [line for line in lines if "KUBE-FORWARD" in line or "other" in line]
    assert "ipset destroy KUBE-SRC-A" in lines
