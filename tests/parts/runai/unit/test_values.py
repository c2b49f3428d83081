"""What both charts get. Does not prove: that the charts take it; the lab's charts refuse keys that they do not know."""

from pathlib import Path
from typing import Any

import pytest

from components.parts.chart import leaves
from components.platforms.runai import values
from tests.parts.runai.sites import parts_of, site_of

DOCUMENTED = {
    *(f"global.{name}" for name in ("domain", "ingress.ingressClass", "ingress.tlsSecretName", "customCA.enabled")),
    "global.affinity",
    "global.tolerations",
    "tenantsManager.config.adminUsername",
    "postgresql.primary.persistence.storageClass",
    "thanos.receive.persistence.storageClass",
    "supportEntitled",
}
"""Keys of the control plane's chart that Run:ai's documentation has, of those that we set."""
ON_SYSTEM = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {
                    "matchExpressions": [
                        {"key": "node-role.kubernetes.io/runai-system", "operator": "In", "values": ["true"]}
                    ]
                }
            ]
        }
    }
}


def control_plane(folder: Path, **more: Any) -> dict[str, Any]:
    return values.control_plane(*parts_of(site_of(folder, **more)))


def cluster(folder: Path, **more: Any) -> dict[str, Any]:
    return values.cluster(*parts_of(site_of(folder, **more)))


@pytest.mark.row("R3")
def test_the_control_plane_has_the_sites_domain_certificate_admin_and_class(tmp_path: Path) -> None:
    made = control_plane(tmp_path, storageClass="nfs", nodes={"system": ["sys-1"]})
    assert made["global"] == {
        "domain": "ai.example.org",
        "ingress": {"ingressClass": "haproxy", "tlsSecretName": "runai-backend-tls"},
        "customCA": {"enabled": True},
        "affinity": ON_SYSTEM,
        "tolerations": [{"key": "tier", "operator": "Exists", "effect": "NoSchedule"}],
    }
    assert made["tenantsManager"] == {"config": {"adminUsername": "admin@example.org"}}
    assert made["postgresql"]["primary"]["persistence"] == {"storageClass": "nfs"}
    assert made["thanos"]["receive"]["persistence"] == {"storageClass": "nfs"}
    whole = (".".join(path) for path in leaves(made))
    assert [path for path in whole if not any(f"{path}.".startswith(f"{known}.") for known in DOCUMENTED)] == []


@pytest.mark.row("R3")
def test_a_domain_of_its_own_goes_before_the_sites(tmp_path: Path) -> None:
    file = Path(__file__).parents[1] / "good/files/old-name.pem"
    of = {"domain": "old.example.org", "certificate": str(file)}
    assert control_plane(tmp_path, **of)["global"]["domain"] == "old.example.org"
    assert cluster(tmp_path, **of)["controlPlane"] == {"url": "https://old.example.org"}
    assert cluster(tmp_path, **of)["cluster"] == {"url": "old.example.org"}


@pytest.mark.row("R4", "R5")
def test_the_cluster_runs_on_system_nodes_and_workloads_on_theirs(tmp_path: Path) -> None:
    made = cluster(tmp_path, nodes={"system": ["sys-1"], "gpuWorker": ["gpu-1"]})
    assert made["global"]["affinity"] == ON_SYSTEM
    assert made["clusterConfig"]["global"]["nodeAffinity"] == {"restrictScheduling": True, "restrictRunaiSystem": True}
    assert made["clusterConfig"]["project-controller"] == {"createNamespaces": False}
    bare = cluster(tmp_path)
    assert "affinity" not in bare["global"]
    none = {"restrictScheduling": False, "restrictRunaiSystem": False}
    assert bare["clusterConfig"]["global"]["nodeAffinity"] == none


@pytest.mark.row("R3", "R4")
def test_images_and_a_login_come_from_the_sites_registry(tmp_path: Path) -> None:
    registry = {
        "images": "registry.example.org:5000/runai",
        "username": "pull",
        "passwordSecret": "registryPassword",
        "prometheus": "registry.example.org:5000/prometheus/prometheus",
    }
    made = cluster(tmp_path, registry=registry)
    assert made["global"]["image"] == {"registry": "registry.example.org:5000/runai"}
    assert "additionalImagePullSecrets" not in made["global"]
    spec = {"baseImage": "registry.example.org:5000/prometheus/prometheus"}
    assert made["clusterConfig"]["prometheus"]["spec"] == spec
    assert "additionalImagePullSecrets" not in cluster(tmp_path, registry={"images": "mirror.example.org"})["global"]


@pytest.mark.row("R11")
def test_options_of_the_scheduler_are_set_only_where_the_site_says_them(tmp_path: Path) -> None:
    assert "runai-scheduler" not in cluster(tmp_path)["clusterConfig"]
    made = cluster(
        tmp_path,
        scheduling={
            "dynamicFractions": False,
            "timeSlicing": "fair",
            "gangArgo": True,
            "gangKnative": False,
            "hierarchyFairness": True,
            "grace": "90s",
        },
    )["clusterConfig"]
    assert made["global"]["core"] == {"dynamicFractions": {"enabled": False}, "timeSlicing": {"mode": "fair"}}
    assert made["pod-grouper"] == {"args": {"gangScheduleArgoWorkflow": True, "gangSchedulingKnative": False}}
    wanted = {"fullHierarchyFairness": True, "defaultStalenessGracePeriod": "90s"}
    assert made["runai-scheduler"] == {"args": wanted}


@pytest.mark.row("R4")
def test_a_chart_is_the_open_one_in_the_version_of_run_ai_or_a_file(tmp_path: Path) -> None:
    config, _ = parts_of(site_of(tmp_path, controlPlane={"chart": "artefacts/control-plane-3.0.0.tgz"}))
    open_ = "https://helm.ngc.nvidia.com/nvidia/runai-oss"
    assert values.source(config, config.cluster, "runai-cluster") == ("runai-cluster", "3.0.0", open_)
    file = ("artefacts/control-plane-3.0.0.tgz", "3.0.0", None)
    assert values.source(config, config.control_plane, "control-plane") == file
