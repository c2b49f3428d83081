"""kubeadm's files. Does not prove that kubeadm takes them: tests/scripts/test_kubernetes_steps.py does, on hosts."""

import os
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.engine.config import Containerd
from components.host.config import Host
from components.kubernetes import kubeadm
from components.kubernetes.config import Kubernetes
from components.network.config import Network

GOLDEN = Path(__file__).parents[1] / "golden"
ENGINE = Containerd.model_validate({"cgroupDriver": "cgroupfs"})


def host(name: str = "cp-1", address: str = "10.213.77.11", *roles: str) -> Host:
    values = {"name": name, "address": address, "hostKey": "ssh-ed25519 AAAA", "roles": roles or ("control-plane",)}
    return Host.model_validate(values)


def documents(text: str) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in YAML(typ="safe").load_all(text)}


def init(first: Host | None = None, **kubernetes: Any) -> dict[str, dict[str, Any]]:
    first = first or host()
    config = Kubernetes.model_validate(kubernetes)
    text = kubeadm.init_config(first, [first], cluster="dev", kubernetes=config, network=Network(), engine=ENGINE)
    return documents(text)


@pytest.mark.row("K2")
def test_init_has_one_document_of_each_kind() -> None:
    assert list(init()) == [
        "InitConfiguration",
        "ClusterConfiguration",
        "KubeletConfiguration",
        "KubeProxyConfiguration",
    ]


@pytest.mark.row("K2")
@pytest.mark.parametrize(
    ("version", "api"), [("1.23.5", "v1beta3"), ("1.30.14", "v1beta3"), ("1.31.0", "v1beta4"), ("1.37.1", "v1beta4")]
)
def test_each_version_gets_the_configuration_that_it_reads(version: str, api: str) -> None:
    """Both were held against kubeadm 1.34, which reads either and refuses unknown fields."""
    said = {"apiServer": {"profiling": "false"}, "extraSans": ["api.example.org"]}
    config = Kubernetes.model_validate({"version": version, **said})
    plane, worker = host(), host("cpu-1", "10.213.77.21", "worker")
    init = kubeadm.init_config(plane, [plane], cluster="dev", kubernetes=config, network=Network(), engine=ENGINE)
    text = "---\n".join([init, kubeadm.join_config(worker, config)]).replace(version, "VERSION")
    golden = GOLDEN / f"kubeadm-{api}.txt"
    # `kubeadm init` before 1.26 has no phase show-join-command, and refuses its name.
    assert ("skipPhases: []" in text) == (version == "1.23.5")
    text = text.replace("skipPhases: []\n", "skipPhases:\n- show-join-command\n")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text(), "review the diff, then: UPDATE_GOLDEN=1 make unit"


def test_node_is_known_by_host_name_and_address() -> None:
    config = init()["InitConfiguration"]
    assert config["nodeRegistration"]["name"] == "cp-1"
    assert config["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "node-ip", "value": "10.213.77.11"}]
    assert config["localAPIEndpoint"] == {"advertiseAddress": "10.213.77.11", "bindPort": 6443}


def test_the_token_of_init_is_short_and_can_be_found() -> None:
    assert init()["InitConfiguration"]["bootstrapTokens"] == [{"description": "gpu-metal cp-1", "ttl": "15m0s"}]


def test_cluster_is_named_by_the_site() -> None:
    config = init(clusterDomain="k8s.example.org", extraSans=["api.example.org"])["ClusterConfiguration"]
    assert config["clusterName"] == "dev"
    assert config["kubernetesVersion"] == "v1.34.2"
    assert config["controlPlaneEndpoint"] == "10.213.77.11:6443"
    assert config["apiServer"]["certSANs"] == ["api.example.org"]
    assert config["networking"] == {
        "dnsDomain": "k8s.example.org",
        "podSubnet": "10.244.0.0/16",
        "serviceSubnet": "10.96.0.0/12",
    }


@pytest.mark.row("K2")
def test_endpoint_of_the_site_comes_before_the_first_control_planes() -> None:
    named = Kubernetes.model_validate({"endpoint": "api.example.org:443"})
    assert kubeadm.endpoint(named, [host()]) == "api.example.org:443"
    assert kubeadm.endpoint(Kubernetes(), [host("a", "2001:db8::1")]) == "[2001:db8::1]:6443"


def test_kubelet_follows_the_engine_and_the_site() -> None:
    config = init(kubelet={"failSwapOn": False}, kubeProxy={"conntrack": {"maxPerCore": 0}})
    assert config["KubeletConfiguration"]["cgroupDriver"] == "cgroupfs"
    assert config["KubeletConfiguration"]["failSwapOn"] is False
    assert config["KubeProxyConfiguration"]["conntrack"] == {"maxPerCore": 0}


@pytest.mark.row("K3")
def test_node_restriction_survives_admission_plugins_of_the_site() -> None:
    wanted = {"profiling": "false", "enable-admission-plugins": "EventRateLimit,NodeRestriction"}
    arguments = init(apiServer=wanted)["ClusterConfiguration"]["apiServer"]["extraArgs"]
    assert arguments == [
        {"name": "enable-admission-plugins", "value": "NodeRestriction,EventRateLimit"},
        {"name": "profiling", "value": "false"},
        {"name": "shutdown-send-retry-after", "value": "true"},
    ]


def test_control_plane_takes_work_only_as_a_worker() -> None:
    own = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    assert init()["InitConfiguration"]["nodeRegistration"]["taints"] == [own]
    both = init(host("cp-1", "10.213.77.11", "control-plane", "worker"))
    assert both["InitConfiguration"]["nodeRegistration"]["taints"] == []


def test_join_of_a_worker_has_places_for_its_ticket() -> None:
    text = kubeadm.join_config(host("cpu-1", "10.213.77.21", "worker"), Kubernetes())
    config = documents(text)["JoinConfiguration"]
    assert config["discovery"] == {
        "bootstrapToken": {
            "apiServerEndpoint": "TICKET_ENDPOINT",
            "token": "TICKET_TOKEN",
            "caCertHashes": ["TICKET_CA_HASH"],
        }
    }
    assert "controlPlane" not in config


def test_join_of_a_control_plane_has_a_place_for_the_certificate_key() -> None:
    config = documents(kubeadm.join_config(host("cp-2", "10.213.77.12"), Kubernetes()))["JoinConfiguration"]
    assert config["controlPlane"] == {
        "localAPIEndpoint": {"advertiseAddress": "10.213.77.12", "bindPort": 6443},
        "certificateKey": "TICKET_CERTIFICATE_KEY",
    }


def test_kubeadms_own_checks_are_left_out_by_name() -> None:
    site = Kubernetes.model_validate({"ignorePreflightErrors": ["SystemVerification"]})
    config = documents(kubeadm.join_config(host(), site))["JoinConfiguration"]
    assert config["nodeRegistration"]["ignorePreflightErrors"] == ["SystemVerification"]


def test_a_taint_that_the_site_names_too_is_given_once() -> None:
    """The API server refuses a node with a taint twice: the kubelet would never register."""
    first = host().model_copy(update={"taints": (f"{kubeadm.CONTROL_PLANE_TAINT}:NoSchedule",)})
    own = {"key": kubeadm.CONTROL_PLANE_TAINT, "effect": "NoSchedule"}
    assert init(first)["InitConfiguration"]["nodeRegistration"]["taints"] == [own]


def test_a_kubelet_registers_with_its_taints_and_the_labels_that_it_may_give_itself() -> None:
    gpu = Host.model_validate(
        {
            "name": "gpu-1",
            "address": "10.213.77.31",
            "hostKey": "ssh-ed25519 AAAA",
            "taints": ["nvidia.com/gpu=present:NoSchedule", "quiet:NoExecute"],
            "labels": {
                "accelerator": "a100",
                "node.kubernetes.io/pool": "gpu",
                "topology.kubernetes.io/zone": "z1",
                "node-role.kubernetes.io/ai": "",
                "node-restriction.kubernetes.io/x": "1",
                "example.k8s.io/x": "1",
            },
        }
    )
    registration = documents(kubeadm.join_config(gpu, Kubernetes()))["JoinConfiguration"]["nodeRegistration"]
    assert registration["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
        {"key": "quiet", "effect": "NoExecute"},
    ]
    arguments = {each["name"]: each["value"] for each in registration["kubeletExtraArgs"]}
    assert arguments == {
        "node-ip": "10.213.77.31",
        "node-labels": "accelerator=a100,node.kubernetes.io/pool=gpu,topology.kubernetes.io/zone=z1",
    }
