"""The Network Operator's objects and release in the plan, held against the kinds of the lab's chart.

Does not prove: what the operator makes of them; none runs in the lab.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.parts.network_operator.unit.site import FULL, MIRROR, PLAIN, site
from tests.samples import ROOT
from tests.unit.recorder import Plan, Registered
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("L3")

KINDS = ROOT / "lab/parts/network_operator/charts/network-operator/crds"
FORCE = {"pulumi.com/patchForce": "true"}
FABRIC = {
    "nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu-metal/fabric", "operator": "In", "values": ["true"]}]}]
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(site(tmp_path_factory.mktemp("site"), **FULL))


def of_kinds(plan: Plan) -> list[Registered]:
    groups = ("mellanox.com/", "nv-ipam.nvidia.com/", "sriovnetwork.openshift.io/")
    return [each for each in plan.resources.values() if str(each.inputs.get("apiVersion", "")).startswith(groups)]


def spec(plan: Plan, name: str) -> Any:
    return plan.one(f"network-operator-{name}").inputs["spec"]


def odd(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    """Where a value is not as its kind's schema says, in the few words that the lab's kinds use."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    types = {"object": Mapping, "array": list, "string": str, "integer": int, "boolean": bool}
    if not isinstance(value, types[schema["type"]]) or value not in schema.get("enum", [value]):
        yield f"{at}: {value!r}"
    elif isinstance(value, Mapping):
        inner = schema.get("properties", {})
        yield from (f"{at}.{key} is missing" for key in schema.get("required", ()) if key not in value)
        for key, below in value.items():
            if key in inner or "additionalProperties" in schema:
                yield from odd(below, inner.get(key) or schema["additionalProperties"], f"{at}.{key}")
            else:
                yield f"{at}.{key} is unknown"
    elif isinstance(value, list):
        for each in value:
            yield from odd(each, schema["items"], f"{at}[]")


def test_each_object_is_of_a_kind_of_the_chart_and_has_its_keys(plan: Plan) -> None:
    kinds: dict[tuple[str, str], Any] = {}
    for file in KINDS.iterdir():
        kind = YAML(typ="safe").load(file)["spec"]
        [version] = kind["versions"]
        schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        kinds[f"{kind['group']}/{version['name']}", kind["names"]["kind"]] = (kind["scope"], schema)
    found = of_kinds(plan)
    assert len(found) == 1 + 2 + 2 * 5
    for each in found:
        scope, schema = kinds[each.inputs["apiVersion"], each.inputs["kind"]]
        assert list(odd(each.inputs["spec"], schema, each.name)) == []
        namespace = {"namespace": "nvidia-network-operator"} if scope == "Namespaced" else {}
        assert {key: value for key, value in each.inputs["metadata"].items() if key == "namespace"} == namespace
        assert FORCE.items() <= each.inputs["metadata"]["annotations"].items()
    assert {each.inputs["kind"] for each in found} == {kind for _, kind in kinds}


def test_a_pinned_release_in_a_namespace_of_its_own(plan: Plan) -> None:
    release = plan.one("network-operator-release")
    assert {key: release.inputs[key] for key in ("name", "namespace", "chart", "version")} == {
        "name": "network-operator",
        "namespace": "nvidia-network-operator",
        "chart": "network-operator",
        "version": "26.4.1",
    }
    assert release.inputs["repositoryOpts"] == {"repo": "https://helm.ngc.nvidia.com/nvidia"}
    assert release.inputs["disableOpenapiValidation"] is True
    assert {"nvidia-network-operator-namespace", "network-operator-driver-sources"} <= set(release.depends_on)
    labels = plan.one("nvidia-network-operator-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    sources = plan.one("network-operator-driver-sources")
    assert sources.secret == {"data"}
    assert sources.inputs["metadata"]["name"] == spec(plan, "policy")["ofedDriver"]["repoConfig"]["name"]


def test_the_policy_has_the_pools_and_every_image_from_the_mirror(plan: Plan) -> None:
    policy = spec(plan, "policy")
    assert plan.one("network-operator-policy").inputs["metadata"]["name"] == "nic-cluster-policy"
    assert policy["nodeAffinity"] == {"requiredDuringSchedulingIgnoredDuringExecution": FABRIC}
    assert policy["tolerations"] == [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}]
    assert json.loads(policy["rdmaSharedDevicePlugin"]["config"]) == {
        "configList": [
            {"resourceName": "fabric", "rdmaHcaMax": 100, "selectors": {"ifNames": ["ibs1f0", "ibs1f1"]}},
        ]
    }
    assert json.loads(policy["sriovDevicePlugin"]["config"]) == {
        "resourceList": [
            {
                "resourcePrefix": "nvidia.com",
                "resourceName": "whole",
                "selectors": {"vendors": ["15b3"], "pfNames": ["ens2f0", "ens2f1"], "isRdma": True},
            }
        ]
    }
    second = policy["secondaryNetwork"]
    images = [policy[key] for key in ("ofedDriver", "rdmaSharedDevicePlugin", "sriovDevicePlugin", "nvIpam")]
    images += [second[key] for key in ("multus", "cniPlugins", "ipoib")]
    assert {each["repository"] for each in images} == {f"{MIRROR}/nvidia/mellanox"}
    assert [(each["image"], each["version"]) for each in images] == [
        ("doca-driver", "doca3.4.1-26.04-1.1.0.0-1"),
        *(
            (name, "network-operator-v26.4.1")
            for name in (
                "k8s-rdma-shared-dev-plugin",
                "sriov-network-device-plugin",
                "nvidia-k8s-ipam",
                "multus-cni",
                "plugins",
                "ipoib-cni",
            )
        ),
    ]
    assert policy["ofedDriver"]["upgradePolicy"]["maxParallelUpgrades"] == 2


def test_what_no_key_asks_for_is_not_in_the_policy(tmp_path: Path) -> None:
    said: dict[str, Any] = {"policy": {"nicFeatureDiscovery": {"image": "n", "repository": "r", "version": "v"}}}
    plan = plan_of(site(tmp_path, **PLAIN, **said))
    assert set(spec(plan, "policy")) == {"nodeAffinity", "tolerations", "rdmaSharedDevicePlugin", "nicFeatureDiscovery"}
    policy = plan.one("network-operator-policy")
    assert policy.inputs["metadata"]["annotations"] == FORCE
    assert "network-operator-release" in policy.depends_on
    assert spec(plan, "policy")["rdmaSharedDevicePlugin"]["repository"] == "nvcr.io/nvidia/mellanox"
    assert len(of_kinds(plan)) == 1


def test_virtual_functions_are_made_on_the_hosts_with_cards(plan: Plan) -> None:
    assert spec(plan, "functions-vf_eth") == {
        "resourceName": "vf_eth",
        "nodeSelector": {"gpu-metal/fabric": "true"},
        "nicSelector": {"vendor": "15b3", "pfNames": ["ens3f0", "ens3f1"]},
        "deviceType": "netdevice",
        "isRdma": True,
        "linkType": "eth",
        "numVfs": 8,
        "mtu": 9000,
    }
    assert spec(plan, "functions-vf_ib")["linkType"] == "IB"
    assert plan.one("network-operator-functions-vf_ib").inputs["metadata"]["name"] == "vf-ib"


def test_a_network_is_of_the_kind_that_its_cards_need(plan: Plan) -> None:
    kinds = {name: plan.one(f"network-operator-network-{name}").inputs["kind"] for name in FULL["networks"]}
    assert kinds == {
        "cards": "HostDeviceNetwork",
        "ether": "MacvlanNetwork",
        "ib": "IPoIBNetwork",
        "vf": "SriovNetwork",
        "vf-ib": "SriovIBNetwork",
    }
    ether = spec(plan, "network-ether")
    assert json.loads(ether.pop("ipam")) == {"type": "nv-ipam", "poolName": "ether"}
    assert ether == {"master": "ens9f0", "mode": "vepa", "mtu": 9000, "networkNamespace": "default"}
    assert spec(plan, "network-ib")["networkNamespace"] == "vision"
    assert spec(plan, "network-vf")["resourceName"] == "vf_eth"
    assert spec(plan, "addresses-ib") == {"subnet": "192.168.3.0/24", "perNodeBlockSize": 9, "nodeSelector": FABRIC}
    assert spec(plan, "addresses-cards")["gateway"] == "192.168.1.1"


def test_address_pools_wait_for_the_operator_that_brings_their_kind(plan: Plan) -> None:
    policy = plan.one("network-operator-policy").inputs["metadata"]["annotations"]
    assert policy == {**FORCE, "pulumi.com/waitFor": "jsonpath={.status.state}=ready"}
    assert "network-operator-policy" in plan.one("network-operator-addresses-vf").depends_on
    assert "network-operator-addresses-vf" in plan.one("network-operator-network-vf").depends_on


def test_with_gpudirect_it_comes_after_the_gpu_operator(tmp_path: Path) -> None:
    plan = plan_of(site(tmp_path, {}, **PLAIN, gpuDirect="dmabuf"))
    assert "gpu-operator-release" in plan.one("network-operator-release").depends_on
