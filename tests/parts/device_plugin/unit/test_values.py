"""The device plugin's values, labels and release as data. Does not prove: what NVIDIA's own chart makes of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.parts.chart import known, leaves, unknown
from components.parts.device_plugin.config import DevicePlugin
from components.parts.device_plugin.values import ours, values
from components.parts.device_plugin.versions import IMAGES
from ops import probes
from stacks.checks import notes
from stacks.load import site_from
from stacks.model import Site
from tests.samples import ROOT
from tests.unit.test_layers_in_a_row import plan_of

KEYS = known((ROOT / "components/parts/device_plugin/chart.keys").read_text())
SAMPLE = ROOT / "components/parts/device_plugin/sample.yaml"
OLD = {"mode": "legacy", "defaultRuntime": True}


def site(folder: Path, toolkit: dict[str, Any], *, taints: Sequence[str] = (), **said: Any) -> Site:
    """Two nodes with GPUs; `said` is the part's entry."""
    groups = {"gpu": {"gpu": {"model": "T4", "count": 2, "driver": "580", "toolkit": toolkit}}}
    hosts: dict[str, dict[str, Any]] = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "gpu-1": {"address": "10.0.0.21", "group": "gpu"},
        "gpu-2": {"address": "10.0.0.22", "group": "gpu"},
    }
    hosts["gpu-2"]["taints"] = list(taints)
    whole = {"hosts": hosts, "groups": groups, "kubernetes": {}, "devicePlugin": said}
    return site_from(whole, stack="lab", folder=folder, keys=False)


def config(of: Site) -> DevicePlugin:
    [entry] = of.entries
    assert isinstance(entry.config, DevicePlugin)
    return entry.config


@pytest.mark.row("O3")
def test_the_runtime_decides_how_containers_are_told(tmp_path: Path) -> None:
    new, old = site(tmp_path, {}), site(tmp_path, OLD)
    assert ours(config(new), new.hosts) == {
        "migStrategy": "none",
        "deviceListStrategy": "cdi-cri",
        "runtimeClassName": "nvidia",
        "gfd": {"enabled": False},
    }
    assert ours(config(old), old.hosts) == {
        "migStrategy": "none",
        "deviceListStrategy": "envvar",
        "gfd": {"enabled": False},
    }
    line = (
        "devicePlugin.strategy: with envvar, a container that asks for no GPU and sets NVIDIA_VISIBLE_DEVICES=all "
        "sees every GPU."
    )
    assert (line in notes(old), line in notes(new)) == (True, False)


@pytest.mark.row("O3", "O4", "O6")
def test_nodes_are_labelled_and_offer_their_gpus(tmp_path: Path) -> None:
    of = site(tmp_path, {}, pools={"trials": {"hosts": ["gpu-2"], "mps": 3}})
    assert {name: host.labels for name, host in of.hosts.items()} == {
        "cp-1": {},
        "gpu-1": {"nvidia.com/gpu.present": "true"},
        "gpu-2": {
            "nvidia.com/gpu.present": "true",
            "nvidia.com/device-plugin.config": "trials",
            "nvidia.com/mps.capable": "true",
        },
    }
    turns = site(tmp_path, {}, pools={"trials": {"hosts": ["gpu-2"], "timeSlicing": 3}})
    assert "nvidia.com/mps.capable" not in turns.hosts["gpu-2"].labels
    assert {offer.host: offer.count for offer in probes.offers(of)} == {"gpu-1": 2, "gpu-2": 6}
    assert list(probes.offers(site(tmp_path, {}, migStrategy="mixed"))) == []
    text = ours(config(of), of.hosts)["config"]["map"]["trials"]
    assert YAML(typ="safe").load(text)["sharing"] == {"mps": {"resources": [{"name": "nvidia.com/gpu", "replicas": 3}]}}


@pytest.mark.row("O3")
def test_each_value_that_is_set_is_a_key_of_the_chart(tmp_path: Path) -> None:
    said = {"images": "mirror.example.org:5000", "pools": {"trials": {"hosts": ["gpu-2"], "mps": 3}}}
    of = site(
        tmp_path, {}, taints=["batch=yes:NoSchedule"], **said, values={"resources": {"limits": {"memory": "64Mi"}}}
    )
    wanted = ours(config(of), of.hosts)
    assert unknown(wanted, KEYS) == []
    assert [key for key in sorted(KEYS) if not any(path[: len(key)] == key for path in leaves(wanted))] == []
    assert wanted["image"]["repository"] == "mirror.example.org:5000/nvidia/k8s-device-plugin"
    batch = {"key": "batch", "operator": "Exists", "effect": "NoSchedule"}
    assert wanted["tolerations"][-1] == wanted["nfd"]["worker"]["tolerations"][-1] == batch
    assert set(IMAGES) == {"image.repository", "nfd.image.repository"}
    assert values(config(of), of.hosts)["resources"] == {"limits": {"memory": "64Mi"}}


@pytest.mark.row("O3", "O4")
def test_the_sample_is_one_release_and_a_pod_that_proves_it(tmp_path: Path) -> None:
    said = YAML(typ="safe").load(SAMPLE)["config"]["gpu-metal:site"]
    plan = plan_of(site_from(said, stack="lab", folder=tmp_path, keys=False))
    release = plan.one("device-plugin-release").inputs
    assert {key: release[key] for key in ("name", "namespace", "chart", "version")} == {
        "name": "nvdp",
        "namespace": "nvidia-device-plugin",
        "chart": "nvidia-device-plugin",
        "version": "0.20.0",
    }
    job = plan.one("device-plugin-smoke").inputs["spec"]["template"]["spec"]["containers"][0]
    assert job["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert plan.of("kubernetes:node.k8s.io/v1:RuntimeClass") == []


@pytest.mark.row("O3")
def test_pods_can_ask_for_the_runtime_where_it_is_not_the_default(tmp_path: Path) -> None:
    plan = plan_of(site(tmp_path, {}, smoke={"image": "mirror.example.org/cuda:13"}))
    runtime = plan.one("device-plugin-runtime").inputs
    assert (runtime["metadata"]["name"], runtime["handler"]) == ("nvidia", "nvidia")
    assert "device-plugin-runtime" in plan.one("device-plugin-release").depends_on
    assert plan.one("device-plugin-smoke").inputs["spec"]["template"]["spec"]["runtimeClassName"] == "nvidia"
