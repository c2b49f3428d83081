"""The Network Operator's values, labels, modules and offers as data.

Does not prove: what NVIDIA's own chart makes of them.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.parts.chart import known, leaves, unknown
from components.parts.network_operator import versions
from components.parts.network_operator.part import PART
from components.parts.network_operator.values import ours, values
from components.parts.part import Probe
from lab.paths import TOOLS_BIN
from ops import chart_keys, probes
from stacks.checks import notes
from stacks.ground import ground
from tests.parts.network_operator.unit.site import FULL, MIRROR, PLAIN, config, site
from tests.samples import ROOT, UPSTREAM

pytestmark = pytest.mark.row("L3")

KEYS = known((ROOT / "components/parts/network_operator/chart.keys").read_text())
CHART = ROOT / "lab/parts/network_operator/charts/network-operator"


@pytest.mark.parametrize(
    ("gpus", "nfd", "brings", "rule"),
    [
        (None, None, True, True),
        (None, False, False, True),
        ({}, None, False, False),
        ({"nfd": False}, True, True, True),
        ({"nfd": False}, False, False, True),
    ],
)
def test_a_cluster_has_one_feature_discovery(
    tmp_path: Path, gpus: dict[str, Any] | None, nfd: bool | None, brings: bool, rule: bool
) -> None:
    of = site(tmp_path, gpus, **PLAIN, nfd=nfd)
    assert ours(config(of), ground(of))["nfd"] == {"enabled": brings, "deployNodeFeatureRules": rule}
    assert PART.cluster
    worker = Probe("daemonset", "network-operator-node-feature-discovery-worker", "nvidia-network-operator")
    assert (worker in PART.cluster.probes(config(of))) is (nfd is True)


def test_every_image_of_the_chart_has_a_mirror(tmp_path: Path) -> None:
    of = site(tmp_path, **FULL)
    wanted = ours(config(of), ground(of))
    for key, image in versions.images("26.4.1").items():
        found: Any = wanted
        for part in key.split("."):
            found = found[part]
        assert found == f"{MIRROR}/" + image.partition("/")[2]
    assert wanted["sriov-network-operator"]["images"]["rdmaCni"].endswith(":network-operator-v26.4.1")
    plain = site(tmp_path, **PLAIN)
    assert "repository" not in str(ours(config(plain), ground(plain)))


def test_each_value_that_is_set_is_a_key_of_the_chart(tmp_path: Path) -> None:
    of = site(tmp_path, **FULL)
    wanted = ours(config(of), ground(of))
    assert unknown(wanted, KEYS) == []
    assert sorted(KEYS) == sorted(set(leaves(wanted)))
    file = UPSTREAM / "network-operator" / versions.VERSION / "values.yaml"
    if not file.exists():
        pytest.skip(f"the chart's own values are not here: {file}")
    assert list(chart_keys.lacking(KEYS, chart_keys.values([str(file)]))) == []


def helm(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    program = TOOLS_BIN / "helm"
    if not program.exists():
        pytest.skip("helm is not here: make tools")
    return subprocess.run([program, *words], input=stdin, capture_output=True, text=True, check=False)


def test_helm_renders_the_labs_chart_with_them(tmp_path: Path) -> None:
    of = site(tmp_path, **FULL, values={"operator": {"nodeSelector": {"a": "b"}}})
    text = json.dumps(values(config(of), ground(of)))
    done = helm("template", "network-operator", str(CHART), "-n", "nvidia-network-operator", "-f", "-", stdin=text)
    assert done.returncode == 0, done.stderr
    made = {each["metadata"]["name"]: each for each in YAML(typ="safe").load_all(done.stdout) if each}
    assert sorted(made) == [
        "network-operator",
        "network-operator-node-feature-discovery-worker",
        "network-operator-sriov-network-operator",
    ]
    images = {name: each["spec"]["template"]["spec"]["containers"][0]["image"] for name, each in made.items()}
    assert all(image.startswith(f"{MIRROR}/nvidia/") for image in images.values()), images
    worker = made["network-operator-node-feature-discovery-worker"]["spec"]["template"]["spec"]["tolerations"]
    assert {"key": "batch", "operator": "Exists", "effect": "NoSchedule"} in worker
    odd = helm("template", "x", str(CHART), "-f", "-", stdin='{"nfd": {"enabeld": true}}')
    assert (odd.returncode, "enabeld" in odd.stderr) == (1, True)


def test_hosts_get_a_label_and_the_modules_that_a_device_plugin_needs(tmp_path: Path) -> None:
    of = site(tmp_path, **{**FULL, "driver": None})
    assert {name: host.labels for name, host in of.hosts.items()} == {
        "cp-1": {},
        "gpu-1": {"gpu-metal/fabric": "true"},
        "gpu-2": {"gpu-metal/fabric": "true"},
    }
    assert of.hosts["gpu-1"].modules[-4:] == ("mlx5_ib", "rdma_ucm", "ib_umad", "ib_ipoib")
    assert "ib_ipoib" not in site(tmp_path, **PLAIN).hosts["gpu-1"].modules
    for host in (site(tmp_path, **FULL).hosts["gpu-1"], of.hosts["cp-1"]):
        assert "mlx5_ib" not in host.modules  # the driver in a container brings its own


def test_a_node_offers_what_its_pools_declare(tmp_path: Path) -> None:
    of = site(tmp_path, **FULL)
    found = {(offer.host, offer.resource): offer.count for offer in probes.offers(of)}
    assert {resource: count for (host, resource), count in found.items() if host == "gpu-2"} == {
        "rdma/fabric": 100,
        "nvidia.com/whole": 2,
        "nvidia.com/vf_eth": 16,
        "nvidia.com/vf_ib": 4,
    }
    assert {host for host, _ in found} == {"gpu-1", "gpu-2"}
    [lacking] = [each for each in probes.offers(of) if (each.host, each.resource) == ("gpu-1", "rdma/fabric")]
    said = lacking.compared({"nvidia.com/gpu": "8"})
    assert (said.status, said.saw, said.want) == ("failed", "the node has 0 for pods", "100")
    assert "nvrm" not in said.fix


def test_what_verify_asks_is_the_operators_own_verdict(tmp_path: Path) -> None:
    of = site(tmp_path, **FULL)
    assert PART.cluster
    [policy] = PART.cluster.expected(config(of))
    assert (policy.objects, policy.path, policy.want) == (
        "nicclusterpolicy nic-cluster-policy",
        "{.status.state}",
        "ready",
    )
    names = {probe.name for probe in PART.cluster.probes(config(of))}
    assert names == {
        "network-operator",
        "network-operator-sriov-network-operator",
        "rdma-shared-dp-ds",
        "kube-multus-ds",
        "cni-plugins-ds",
    }
    plain = PART.cluster.probes(config(site(tmp_path, **PLAIN)))
    assert {probe.name for probe in plain} == {"network-operator", "rdma-shared-dp-ds"}


def test_what_is_allowed_and_worth_a_line(tmp_path: Path) -> None:
    said = [line for line in notes(site(tmp_path, **FULL)) if line.startswith("network.networkOperator")]
    assert said == [
        "network.networkOperator.pools: pulumi up drains each host while its virtual functions are made, one host "
        "after another.",
        "network.networkOperator.driver: the driver is built on 2 hosts, 2 at a time, and their cards' links go down "
        "meanwhile: their own addresses must not be on these cards.",
    ]
    assert (
        "projects.vision.podSecurity: baseline refuses pods the capability IPC_LOCK, by which RDMA locks memory. Write "
        "privileged, or raise LimitMEMLOCK of containerd.service on the hosts."
    ) in notes(site(tmp_path, **PLAIN))
    assert [line for line in notes(site(tmp_path, **PLAIN)) if line.startswith("network.networkOperator")] == [
        "network.networkOperator.pools.fabric: no network has its cards: a pod with rdma/fabric has no address there, "
        "unless it runs with hostNetwork: true."
    ]


@pytest.mark.parametrize(
    ("mode", "driver", "rdma"),
    [
        ("dmabuf", None, {"useHostMofed": True}),
        ("dmabuf", {}, {}),
        ("peermem", None, {"enabled": True, "useHostMofed": True}),
        ("peermem", {}, {"enabled": True}),
    ],
)
def test_the_gpu_operators_driver_may_be_told_all_that_it_needs(
    tmp_path: Path, mode: str, driver: dict[str, Any] | None, rdma: dict[str, bool]
) -> None:
    of = site(
        tmp_path, {"values": {"driver": {"rdma": rdma}}}, **PLAIN, gpu_driver="operator", gpuDirect=mode, driver=driver
    )
    assert config(of).gpu_direct == mode
