"""The GPU Operator's values, labels and offers as data. Does not prove: what NVIDIA's own chart makes of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.parts.chart import known, leaves, unknown
from components.parts.gpu_operator import nodes
from components.parts.gpu_operator.config import GpuOperator
from components.parts.gpu_operator.part import PART
from components.parts.gpu_operator.values import mig_config, ours, values
from components.parts.gpu_operator.versions import IMAGES
from components.parts.part import Probe
from ops import chart_keys, probes
from stacks.load import site_from
from stacks.model import Site
from tests.samples import ROOT
from tests.unit.test_layers_in_a_row import plan_of

KEYS = known((ROOT / "components/parts/gpu_operator/chart.keys").read_text())
SAMPLE = ROOT / "components/parts/gpu_operator/sample.yaml"


def site(folder: Path, gpu: dict[str, Any] | None = None, *, taints: Sequence[str] = (), **said: Any) -> Site:
    """Three nodes with GPUs, of which two are alike and the third has `taints`; `said` is the part's entry."""
    gpu = {"model": "A100-SXM4-80GB", "count": 8, **(gpu or {})}
    hosts: dict[str, dict[str, Any]] = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "gpu-1": {"address": "10.0.0.21", "group": "gpu"},
        "gpu-2": {"address": "10.0.0.22", "group": "gpu"},
        "own": {"address": "10.0.0.23", "os": "ubuntu-24.04", "gpu": {"model": "T4", "count": 1, "driver": "580"}},
    }
    hosts["own"]["taints"] = list(taints)
    groups = {"gpu": {"os": "ubuntu-24.04", "gpu": gpu}}
    whole = {"hosts": hosts, "groups": groups, "kubernetes": {}, "gpuOperator": said}
    return site_from(whole, stack="lab", folder=folder, keys=False)


def config(of: Site) -> GpuOperator:
    [entry] = of.entries
    assert isinstance(entry.config, GpuOperator)
    return entry.config


FULL: dict[str, Any] = {
    "images": "mirror.example.org:5000/gpu",
    "driver": {"version": "580.95.05", "module": "open", "sources": {"site.list": "site.list"}},
    "migStrategy": "mixed",
    "pools": {
        "cut": {"hosts": ["gpu-1"], "mig": {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}},
        "trials": {"hosts": ["own"], "timeSlicing": 4},
    },
}


TAINTS = ("nvidia.com/gpu=present:NoSchedule", "nvidia.com/gpu=present:NoExecute", "sqream=:NoExecute")


def full(folder: Path) -> Site:
    (folder / "site.list").write_text("deb http://mirror.example.org/ubuntu noble main\n")
    return site(folder, {"driver": "operator"}, taints=TAINTS, **FULL)


@pytest.mark.row("O1")
def test_the_driver_is_on_where_a_host_leaves_it_to_the_operator(tmp_path: Path) -> None:
    off = site(tmp_path, {"driver": "580"})
    assert ours(config(off), off.hosts)["driver"] == {"enabled": False}
    on = full(tmp_path)
    assert ours(config(on), on.hosts)["driver"] == {
        "enabled": True,
        "kernelModuleType": "open",
        "version": "580.95.05",
        "repoConfig": {"configMapName": "gpu-metal-driver-sources"},
        "repository": "mirror.example.org:5000/gpu/nvidia",
        "manager": {"repository": "mirror.example.org:5000/gpu/nvidia/cloud-native"},
    }
    deploys = {name: host.labels.get("nvidia.com/gpu.deploy.driver") for name, host in on.hosts.items()}
    assert deploys == {"cp-1": None, "gpu-1": None, "gpu-2": None, "own": "false"}


@pytest.mark.row("O1", "C5")
def test_containerd_has_one_owner(tmp_path: Path) -> None:
    bare = site(tmp_path)
    assert ours(config(bare), bare.hosts)["toolkit"] == {"enabled": True}
    said = {"withoutOperands": ["own"]}
    of_hosts = site(tmp_path, {"toolkit": {}}, **said)
    assert ours(config(of_hosts), of_hosts.hosts)["toolkit"] == {"enabled": False}


@pytest.mark.row("O1")
def test_every_image_has_a_mirror(tmp_path: Path) -> None:
    of = full(tmp_path)
    wanted = ours(config(of), of.hosts)
    for key, image in IMAGES.items():
        found: Any = wanted
        for part in key.split("."):
            found = found[part]
        assert found == "mirror.example.org:5000/gpu/" + image.partition("/")[2]
    plain = site(tmp_path)
    assert "repository" not in str(ours(config(plain), plain.hosts))


@pytest.mark.row("O1", "O2")
def test_open_values_are_kept_under_ours(tmp_path: Path) -> None:
    of = site(tmp_path, nfd=False, values={"driver": {"env": [{"name": "A", "value": "1"}]}, "gds": {"enabled": True}})
    found = values(config(of), of.hosts)
    assert found["driver"] == {"env": [{"name": "A", "value": "1"}], "enabled": False}
    assert found["gds"] == {"enabled": True}
    assert found["nfd"] == {"enabled": False}
    assert found["dcgmExporter"] == {"enabled": True, "serviceMonitor": {"enabled": False}}


@pytest.mark.row("O1", "O4")
def test_operands_and_the_proof_run_on_nodes_with_taints(tmp_path: Path) -> None:
    plain = site(tmp_path)
    assert "tolerations" not in str(ours(config(plain), plain.hosts))
    of = site(tmp_path, taints=TAINTS)
    wanted = ours(config(of), of.hosts)
    expected = [
        {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"},
        {"key": "sqream", "operator": "Exists", "effect": "NoExecute"},
    ]
    assert wanted["daemonsets"]["tolerations"] == expected
    assert wanted["node-feature-discovery"]["worker"]["tolerations"] == expected
    spec = plan_of(site(tmp_path, taints=TAINTS, smoke={"image": "mirror.example.org/cuda:13"}))
    pod = spec.one("gpu-operator-smoke").inputs["spec"]["template"]["spec"]
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}, *expected[2:]]


@pytest.mark.row("O5")
def test_pools_are_divided(tmp_path: Path) -> None:
    of = full(tmp_path)
    manager = ours(config(of), of.hosts)["migManager"]["config"]
    text = manager["data"]["config.yaml"]
    assert (manager["create"], manager["name"]) == (True, "gpu-metal-mig")
    assert YAML(typ="safe").load(text) == {
        "version": "v1",
        "mig-configs": {
            "all-disabled": [{"devices": "all", "mig-enabled": False}],
            "cut": [{"devices": "all", "mig-enabled": True, "mig-devices": {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}}],
        },
    }
    assert of.hosts["gpu-1"].labels["nvidia.com/mig.config"] == "cut"
    assert "nvidia.com/mig.config" not in of.hosts["gpu-2"].labels
    assert mig_config({}).splitlines()[-1] == "    mig-enabled: false"


@pytest.mark.row("O6")
def test_pools_are_shared(tmp_path: Path) -> None:
    of = full(tmp_path)
    plugin = ours(config(of), of.hosts)["devicePlugin"]["config"]
    read = {name: YAML(typ="safe").load(text) for name, text in plugin["data"].items()}
    shared = {"timeSlicing": {"resources": [{"name": "nvidia.com/gpu", "replicas": 4}]}}
    assert read == {"default": {"version": "v1"}, "trials": {"version": "v1", "sharing": shared}}
    assert plugin["default"] == "default"
    assert of.hosts["own"].labels["nvidia.com/device-plugin.config"] == "trials"
    both = site(tmp_path, migStrategy="mixed", pools={"a": {"hosts": ["gpu"], "mig": {"3g.40gb": 2}, "timeSlicing": 2}})
    data = ours(config(both), both.hosts)["devicePlugin"]["config"]["data"]
    assert "nvidia.com/mig-3g.40gb" in data["a"]


@pytest.mark.row("O4")
def test_a_node_offers_what_its_host_declares(tmp_path: Path) -> None:
    of = full(tmp_path)
    found = {(offer.host, offer.resource): offer.count for offer in probes.offers(of)}
    assert found == {
        ("gpu-1", "nvidia.com/mig-1g.10gb"): 16,
        ("gpu-1", "nvidia.com/mig-2g.20gb"): 8,
        ("gpu-1", "nvidia.com/mig-3g.40gb"): 8,
        ("gpu-2", "nvidia.com/gpu"): 8,
        ("own", "nvidia.com/gpu"): 4,
    }
    assert {offer.part for offer in probes.offers(of)} == {"gpu-operator"}
    single = site(tmp_path, pools={"cut": {"hosts": ["gpu-1"], "mig": {"1g.10gb": 7}}}, withoutOperands=["own"])
    assert nodes.offers(config(single), single.hosts) == {
        "gpu-1": {"nvidia.com/gpu": 56},
        "gpu-2": {"nvidia.com/gpu": 8},
    }
    assert single.hosts["own"].labels["nvidia.com/gpu.deploy.operands"] == "false"


@pytest.mark.row("O6")
def test_with_claims_nothing_is_offered(tmp_path: Path) -> None:
    of = site(tmp_path, dra=True, withoutOperands=["own"])
    wanted = ours(config(of), of.hosts)
    assert (wanted["clusterPolicy"], wanted["gpuCluster"]) == ({"deployCR": False}, {"deployCR": True})
    assert list(probes.offers(of)) == []
    assert PART.cluster
    assert Probe("daemonset", "nvidia-device-plugin-daemonset", "gpu-operator") not in PART.cluster.probes(config(of))


def test_each_value_that_is_set_is_a_key_of_the_chart(tmp_path: Path) -> None:
    of = full(tmp_path)
    wanted = ours(config(of), of.hosts)
    assert unknown(wanted, KEYS) == []
    set_here = set(leaves(wanted))
    assert [key for key in sorted(KEYS) if not any(path[: len(key)] == key for path in set_here)] == []


def test_the_list_is_compared_with_a_chart(tmp_path: Path) -> None:
    chart, sub = tmp_path / "values.yaml", tmp_path / "sub.yaml"
    chart.write_text("nfd: {enabled: true}\na: {repository: x, data: {}}\nsub: {b: {c: 1}}\n")
    sub.write_text("b: {c: 2, d: 3}\nimage: {repository: y}\n")
    read = chart_keys.values([str(chart), f"sub={sub}"])
    assert read["sub"] == {"b": {"c": 1, "d": 3}, "image": {"repository": "y"}}
    listed = known("nfd.enabled # who runs it\n\n# images\na.repository\na.gone\nsub.b.d\n")
    assert list(chart_keys.lacking(listed, read)) == [
        "a.gone: the chart has no such key",
        "sub.image.repository: an image that no mirror is set for",
    ]


@pytest.mark.row("O1")
def test_the_sample_is_what_it_says(tmp_path: Path) -> None:
    said = YAML(typ="safe").load(SAMPLE)["config"]["gpu-metal:site"]
    of = site_from(said, stack="lab", folder=tmp_path, keys=False)
    assert {name: host.labels for name, host in of.hosts.items() if host.labels} == {
        "gpu-3": {"nvidia.com/mig.config": "notebooks"},
        "gpu-4": {"nvidia.com/device-plugin.config": "trials"},
    }
