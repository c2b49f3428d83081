"""What the load balancer makes of its keys. That MetalLB takes it, the lab's test shows."""

from pathlib import Path
from typing import Any

import pytest

from components.parts.chart import leaves, merged
from components.parts.load_balancer import plan, versions
from components.parts.load_balancer.config import LoadBalancer
from components.parts.load_balancer.pool import Range, ranges
from ops import chart_keys
from stacks.checks import notes
from stacks.load import site_from
from stacks.model import Site
from tests.samples import UPSTREAM
from tests.unit.recorder import Plan
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("L1")

HOSTS = {
    "one": {"address": "10.0.0.1", "roles": ["control-plane"]},
    "two": {"address": "10.0.0.2"},
    "far": {"address": "10.9.0.3"},
}
POOL = "10.0.0.200-10.0.0.209"
BGP = {"asn": 64512, "peers": {"rack": {"address": "10.0.0.254", "asn": 64513, "passwordSecret": "rackPassword"}}}
SET = chart_keys.listed("load_balancer")
"""The values that we set, as metallb 0.16.1 and 0.15.2 name them."""


def site_of(folder: Path, hosts: dict[str, Any] = HOSTS, **said: Any) -> Site:
    data = {"hosts": hosts, "kubernetes": {}, "network": {"loadBalancer": {"pool": POOL, **said}}}
    return site_from(data, stack="lab", folder=folder, keys=False)


def config_of(site: Site) -> LoadBalancer:
    [entry] = site.entries
    assert isinstance(entry.config, LoadBalancer)
    return entry.config


def spec(made: Plan, name: str) -> Any:
    return made.one(f"load-balancer-{name}").inputs["spec"]


def test_a_pool_is_ranges_and_networks() -> None:
    assert [str(each) for each in ranges("10.0.0.200 - 10.0.0.209, 10.0.1.0/30,10.0.2.5")] == [
        POOL,
        "10.0.1.0-10.0.1.3",
        "10.0.2.5-10.0.2.5",
    ]
    [one] = ranges(POOL)
    assert isinstance(one, Range)
    assert [address in one for address in (one.first, one.last, one.last + 1)] == [True, True, False]


def test_layer_2_is_announced_by_the_nodes_of_its_segment(tmp_path: Path) -> None:
    made = plan_of(site_of(tmp_path))
    assert spec(made, "pool") == {"addresses": [POOL], "autoAssign": True, "avoidBuggyIPs": True}
    chosen = [{"matchLabels": {"kubernetes.io/hostname": name}} for name in ("one", "two")]
    assert spec(made, "layer2") == {"ipAddressPools": ["site"], "nodeSelectors": chosen}
    near = {name: host for name, host in HOSTS.items() if name != "far"}
    assert spec(plan_of(site_of(tmp_path, near, interfaces=["bond0"])), "layer2") == {
        "ipAddressPools": ["site"],
        "interfaces": ["bond0"],
    }


def test_its_objects_wait_for_the_release_whose_webhook_judges_them(tmp_path: Path) -> None:
    made = plan_of(site_of(tmp_path))
    assert "load-balancer-release" in made.one("load-balancer-pool").depends_on
    assert "load-balancer-pool" in made.one("load-balancer-layer2").depends_on
    assert "metallb-system-namespace" in made.one("load-balancer-release").depends_on
    labels = made.one("metallb-system-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"


def test_bgp_peers_have_their_password_in_a_secret(tmp_path: Path) -> None:
    made = plan_of(site_of(tmp_path, pool="192.0.2.0/28", bgp=BGP))
    assert spec(made, "peer-rack") == {
        "myASN": 64512,
        "peerASN": 64513,
        "peerAddress": "10.0.0.254",
        "peerPort": 179,
        "passwordSecret": {"name": "peer-rack", "namespace": "metallb-system"},
    }
    password = made.one("load-balancer-peer-rack-password")
    assert (password.inputs["metadata"]["name"], set(password.secret)) == ("peer-rack", {"stringData"})
    assert spec(made, "bgp") == {"ipAddressPools": ["site"]}
    assert made.one("load-balancer-release").inputs["values"]["frrk8s"] == {"enabled": True}
    assert [each.name for each in made.resources.values() if each.name.endswith("layer2")] == []


def test_control_planes_announce_where_there_is_nothing_else(tmp_path: Path) -> None:
    """kubeadm labels them node.kubernetes.io/exclude-from-external-load-balancers, and MetalLB heeds it."""
    site = site_of(tmp_path)
    assert plan.values(config_of(site), site.hosts)["speaker"]["ignoreExcludeLB"] is False
    alone = {"one": {"address": "10.0.0.1", "roles": ["control-plane", "worker"]}}
    site = site_of(tmp_path, alone)
    assert plan.values(config_of(site), site.hosts)["speaker"]["ignoreExcludeLB"] is True
    # Workers elsewhere could not: nobody would answer.
    site = site_of(tmp_path, {name: host for name, host in HOSTS.items() if name != "two"})
    assert plan.values(config_of(site), site.hosts)["speaker"]["ignoreExcludeLB"] is True
    site = site_of(tmp_path, HOSTS, pool="192.0.2.0/28", bgp=BGP)
    assert plan.values(config_of(site), site.hosts)["speaker"]["ignoreExcludeLB"] is False


def test_our_values_stand_and_those_of_the_site_go_around_them(tmp_path: Path) -> None:
    site = site_of(tmp_path, values={"speaker": {"logLevel": "debug"}, "loadBalancerClass": "x"})
    ours = plan.values(config_of(site), site.hosts)
    assert set(leaves(ours)) == SET
    assert merged(config_of(site).values, ours) == {
        **ours,
        "speaker": {**ours["speaker"], "logLevel": "debug"},
        "loadBalancerClass": "x",
    }


def test_the_charts_own_values_have_each_that_we_set() -> None:
    file = UPSTREAM / "metallb" / versions.CHART / "values.yaml"
    if not file.exists():
        pytest.skip(f"the chart's own values are not here: {file}")
    read = chart_keys.values([str(file)])
    assert list(chart_keys.lacking(SET, read)) == []
    assert list(chart_keys.lacking({("speaker", "frr", "on"), ("speakers",), *SET}, read)) == [
        "speaker.frr.on: the chart has no such key",
        "speakers: the chart has no such key",
    ]


def test_an_external_one_brings_nothing_and_counts(tmp_path: Path) -> None:
    site = site_of(tmp_path, kind="external", pool="192.0.2.0/28")
    assert [each.name for each in plan_of(site).resources.values() if "load-balancer" in each.name] == ["load-balancer"]
    assert site.entries[0].part.gives == {"load-balancer"}


def test_hosts_outside_of_the_segment_are_told(tmp_path: Path) -> None:
    text = "network.loadBalancer.pool: far: not in the segment 10.0.0.0/24, so that only two can answer for it."
    assert text in notes(site_of(tmp_path))
