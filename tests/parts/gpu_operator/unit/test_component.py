"""The GPU Operator's objects in the cluster. Does not prove: that the chart installs; the lab's test does."""

from pathlib import Path
from typing import Any

import pytest

from tests.parts.gpu_operator.unit.test_values import FULL, site
from tests.unit.recorder import Plan
from tests.unit.test_layers_in_a_row import plan_of

SMOKE = {"image": "mirror.example.org/cuda:13.0.1", "gpus": 2}


def planned(folder: Path, **more: Any) -> Plan:
    (folder / "site.list").write_text("deb http://mirror.example.org/ubuntu noble main\n")
    return plan_of(site(folder, {"driver": "operator"}, **FULL, **more))


@pytest.mark.row("O1")
def test_a_pinned_release_in_a_namespace_of_its_own(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    release = plan.one("gpu-operator-release")
    assert {key: release.inputs[key] for key in ("name", "namespace", "chart", "version")} == {
        "name": "gpu-operator",
        "namespace": "gpu-operator",
        "chart": "gpu-operator",
        "version": "v26.7.0",
    }
    assert release.inputs["repositoryOpts"] == {"repo": "https://helm.ngc.nvidia.com/nvidia"}
    assert {"gpu-operator-namespace", "gpu-operator-driver-sources"} <= set(release.depends_on)
    assert release.options["deleted_with"]
    assert release.inputs["disableOpenapiValidation"] is True
    labels = plan.one("gpu-operator-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert plan.one("gpu-operator-driver-sources").secret
    sources = plan.one("gpu-operator-driver-sources").inputs
    assert sources["metadata"]["name"] == "gpu-metal-driver-sources"
    assert sources["data"] == {"site.list": "deb http://mirror.example.org/ubuntu noble main\n"}


@pytest.mark.row("O4")
def test_a_pod_asks_for_gpus_once_for_each_change(tmp_path: Path) -> None:
    job = planned(tmp_path, smoke=SMOKE).one("gpu-operator-smoke").inputs
    template = job["spec"]["template"]
    [container] = template["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert container["command"][-1] == "2"
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert template["spec"]["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert job["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    said = template["metadata"]["annotations"]["gpu-metal/release"]
    other = planned(tmp_path, smoke=SMOKE, nri=True).one("gpu-operator-smoke").inputs
    same = planned(tmp_path, smoke=SMOKE).one("gpu-operator-smoke").inputs
    assert other["spec"]["template"]["metadata"]["annotations"]["gpu-metal/release"] != said
    assert same["spec"]["template"]["metadata"]["annotations"]["gpu-metal/release"] == said


@pytest.mark.row("O4", "O6")
def test_a_pod_of_several_gpus_keeps_off_nodes_that_share_theirs(tmp_path: Path) -> None:
    [expression] = [{"key": "nvidia.com/device-plugin.config", "operator": "DoesNotExist"}]
    shared, whole = planned(tmp_path, smoke=SMOKE), plan_of(site(tmp_path, smoke=SMOKE))
    pod = shared.one("gpu-operator-smoke").inputs["spec"]["template"]["spec"]
    [term] = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == {"matchExpressions": [expression]}
    for plan in (whole, planned(tmp_path, smoke={**SMOKE, "gpus": 1})):
        assert "affinity" not in plan.one("gpu-operator-smoke").inputs["spec"]["template"]["spec"]


@pytest.mark.row("O4", "C5")
@pytest.mark.parametrize(
    ("toolkit", "cdi", "runtime"),
    [
        ({"mode": "legacy"}, False, "nvidia"),
        ({"mode": "legacy", "defaultRuntime": True}, False, None),
        (None, False, None),
        ({}, True, None),
    ],
)
def test_the_pod_has_the_runtime_that_sees_gpus(
    tmp_path: Path, toolkit: dict[str, Any] | None, cdi: bool, runtime: str | None
) -> None:
    of = site(tmp_path, {"toolkit": toolkit}, cdi=cdi, smoke=SMOKE, withoutOperands=["own"])
    pod = plan_of(of).one("gpu-operator-smoke").inputs["spec"]["template"]["spec"]
    assert pod.get("runtimeClassName") == runtime


@pytest.mark.row("O1")
@pytest.mark.parametrize("chart", ["charts/gpu-operator-v26.7.0.tgz", "oci://mirror.example.org/charts/gpu-operator"])
def test_a_chart_of_a_mirror_needs_no_repository(tmp_path: Path, chart: str) -> None:
    release = plan_of(site(tmp_path, chart=chart)).one("gpu-operator-release").inputs
    assert (release["chart"], release.get("repositoryOpts")) == (chart, None)


def test_no_smoke_no_sources(tmp_path: Path) -> None:
    plan = plan_of(site(tmp_path))
    assert [each.name for each in plan.of("kubernetes:batch/v1:Job")] == []
    assert [each.name for each in plan.of("kubernetes:core/v1:ConfigMap")] == []
