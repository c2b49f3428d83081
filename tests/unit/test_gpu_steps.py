"""Which steps a host's GPUs get from its config. That a step does what it says is proven in tests/scripts only."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import versions
from components.engine.config import Containerd, Docker
from components.gpu import models, steps
from components.gpu.repositories import repositories
from components.host.config import Host
from components.host.repositories import DnfRepository

A100: dict[str, Any] = {"model": "A100-SXM4-80GB", "count": 8}
SUM = "a" * 64
SCRIPTS = sorted(Path("components/gpu/steps").glob("*.sh"))


def host(os: str | None = None, **gpu: Any) -> Host:
    values = {"name": "gpu-1", "address": "10.0.0.31", "hostKey": "ssh-ed25519 AAAA", "os": os, "gpu": gpu or None}
    return Host.model_validate(values)


def ids(found: Any) -> list[str]:
    return [step.id for step in found]


def test_a_host_without_gpus_gets_nothing() -> None:
    bare = host()
    made = [steps.checks, steps.before_reboot, steps.driver, steps.ready, steps.toolkit]
    assert [step for make in made for step in make(bare)] == []
    assert (steps.docker_settings(None), steps.containerd_settings(None), repositories(bare)) == ({}, {}, {})


def test_gpus_whose_driver_is_left_to_others_are_counted_and_read_back() -> None:
    left = host(**A100)
    assert ids(steps.checks(left)) == ["gpus"]
    assert steps.before_reboot(left) == steps.driver(left) == []
    [readback] = steps.ready(left)
    assert readback.inputs == {"count": "8", "model": "A100-SXM4-80GB", "ids": "20b2"}
    assert steps.ready(host(model="A100", count=0)) == []


def test_a_driver_from_within_the_cluster_leaves_the_host_as_it_is() -> None:
    left = host(**A100, driver="operator")
    assert ids(steps.checks(left)) == ["gpus", "secure_boot"]
    assert steps.before_reboot(left) == steps.driver(left) == []
    assert (repositories(left), steps.misfits(left.gpu)) == ({}, "")  # type: ignore[arg-type]
    [readback] = steps.ready(left)
    assert readback.inputs == {"count": "8", "model": "A100-SXM4-80GB", "ids": "20b2"}


def test_a_driver_comes_after_nouveau_has_gone_and_before_all_that_needs_it() -> None:
    full = host(**A100, driver="580", powerLimitWatts=300, clocks={"memory": [877, 1215]})
    assert ids(steps.checks(full)) == ["gpus", "secure_boot"]
    assert ids(steps.before_reboot(full)) == ["nouveau_off"]
    assert ids(steps.before_reboot(host(os="rocky-9.4", **A100, driver="580"))) == ["nouveau_off", "memory_hotplug"]
    made = {step.id: step for step in steps.driver(full)}
    assert list(made) == [
        *("nouveau_gone", "packages#gpu-build", "driver_pin", "driver"),
        *("persistence", "fabric_manager", "gpu_settings"),
    ]
    assert made["driver"].inputs == {"wanted": "580", "package": "nvidia-open"}
    assert made["driver_pin"].inputs == {"wanted": "580", "stream": "580-open"}
    assert made["gpu_settings"].inputs == {"power_limit": "300", "memory": "877,1215"}
    least = host(**A100, driver="580", persistence=False, fabricManager="off")
    assert ids(steps.driver(least))[-1] == "driver"


@pytest.mark.parametrize(
    ("os", "branch", "package"),
    [
        (None, "535", "nvidia-fabricmanager-535"),
        ("rocky-9.4", "535", "nvidia-fabric-manager"),
        (None, "580", "nvidia-fabricmanager"),
        ("rocky-9.4", "595", "nvidia-fabricmanager"),
    ],
)
def test_the_fabric_managers_package_has_the_branchs_name(os: str | None, branch: str, package: str) -> None:
    of = host(os=os, **A100, driver=branch)
    assert [s.inputs["package"] for s in steps.driver(of) if s.id == "fabric_manager"] == [package]


@pytest.mark.parametrize(
    ("model", "branch", "module", "kind"),
    [
        ("A100-SXM4-80GB", 580, "auto", "open"),
        ("A100-SXM4-80GB", 535, "auto", "proprietary"),
        ("V100-SXM2-16GB", 580, "auto", "proprietary"),
        ("P100-PCIE-16GB", 535, "auto", "proprietary"),
        ("B200", 580, "auto", "open"),
        ("some card of 2027", 610, "auto", "open"),
        ("A100-SXM4-80GB", 580, "proprietary", "proprietary"),
    ],
)
def test_the_kernel_module_goes_by_generation(model: str, branch: int, module: Any, kind: str) -> None:
    assert models.kind(module, branch, model) == kind


def test_a_proprietary_module_has_other_packages_and_another_stream() -> None:
    made = {s.id: s.inputs for s in steps.driver(host(model="V100-SXM2-16GB", count=2, driver="535"))}
    assert made["driver"]["package"] == "cuda-drivers"
    assert made["driver_pin"]["stream"] == "535-dkms"


@pytest.mark.parametrize(
    ("branch", "module", "options"),
    [
        ("580", "auto", "--kernel-module-type=open"),
        ("580", "proprietary", "--kernel-module-type=proprietary"),
        ("535", "open", "--kernel-module-build-directory=kernel-open"),
        ("470", "auto", ""),
    ],
)
def test_a_runfile_takes_the_place_of_packages(branch: str, module: str, options: str) -> None:
    runfile = {"url": "https://example.org/{arch}.run", "sha256": SUM}
    of = {"branch": branch, "version": f"{branch}.1.2", "module": module, "runfile": runfile}
    made = {s.id: s for s in steps.driver(host(**A100, driver=of))}
    assert "driver" not in made and "driver_pin" not in made
    wanted = {"wanted": f"{branch}.1.2", "sha256": SUM, "options": options, "url": "https://example.org/{arch}.run"}
    assert made["driver_runfile"].inputs == wanted
    assert repositories(host(**A100, driver=of)) == {}


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("A100-SXM4-80GB", ("20b2",)),
        ("A100-80GB", ("20b2", "20b5")),
        ("NVIDIA H100 80GB HBM3", ("2330",)),
        ("Tesla V100-SXM2-16GB", ("1db1", "1df5")),
        ("RTX A6000", ("2230",)),
        ("A2", ("25b6",)),
        ("X9000", ()),
        ("NVIDIA", ()),
    ],
)
def test_a_model_is_known_by_its_words(model: str, found: tuple[str, ...]) -> None:
    assert models.ids(model) == found


def test_each_known_model_has_a_generation_and_ranges_do_not_overlap() -> None:
    assert all(models.generation(id_) for id_, _ in models._TABLE)
    ordered = sorted(models.GENERATIONS, key=lambda g: g.first_id)
    assert list(models.GENERATIONS) == ordered
    assert all(a.last_id < b.first_id for a, b in pairwise(ordered))
    assert models.generation("ffff") is None


def test_what_a_driver_does_not_run_is_told_to_the_host_by_ranges() -> None:
    lines = steps.misfits(host(**A100, driver="595").gpu).splitlines()  # type: ignore[arg-type]
    source = "NVIDIA's README of the driver, appendix A"
    why = f"driver 595 does not fit Volta: the first driver for Volta is 384, the last one 580 ({source})"
    assert f"1d80 1dff {why}. Use 384 to 580" in lines
    assert [line for line in lines if line.startswith(("20", "23", "29"))] == []
    assert steps.misfits(host(**A100).gpu) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("os", "url", "key"),
    [
        (None, versions.NVIDIA_DRIVER_REPOSITORY, "3bf863cc.pub"),
        ("debian-13", versions.NVIDIA_DRIVER_REPOSITORY, "8793F200.pub"),
        ("rocky-9.4", versions.NVIDIA_DRIVER_REPOSITORY_RHEL, "D42D0685.pub"),
    ],
)
def test_the_drivers_source_has_the_key_of_its_system(os: str | None, url: str, key: str) -> None:
    source = repositories(host(os=os, **A100, driver="580"))["nvidia-driver"]
    assert (source.url, source.key_url) == (url, f"{url}{key}")
    assert source.kind == ("dnf" if os == "rocky-9.4" else "apt")


def test_the_toolkits_rpm_source_signs_its_metadata_only() -> None:
    source = repositories(host(os="rocky-9.4", **A100, toolkit={}))["nvidia-toolkit"]
    assert isinstance(source, DnfRepository)
    assert (source.gpg_check_metadata, source.gpg_check_packages) == (True, False)


def test_the_toolkit_is_pinned_whole_and_speaks_cdi() -> None:
    made = steps.toolkit(host(**A100, toolkit={"version": "1.20.1-1"}))
    assert ids(made) == ["packages#gpu-toolkit", "toolkit_mode", "cdi"]
    assert made[0].inputs["names"].split() == [
        f"{name}=1.20.1-1"
        for name in (
            *("nvidia-container-toolkit", "nvidia-container-toolkit-base"),
            *("libnvidia-container-tools", "libnvidia-container1"),
        )
    ]
    old = steps.toolkit(host(**A100, toolkit={"package": "nvidia-docker2", "mode": "legacy"}))
    assert [step.inputs["names"] for step in old] == ["nvidia-docker2"]


def test_engines_are_told_of_the_runtime_and_it_is_the_default_only_when_asked() -> None:
    gpu = host(**A100, toolkit={}).gpu
    runtimes = {"nvidia": {"args": [], "path": "/usr/bin/nvidia-container-runtime"}}
    assert steps.docker_settings(gpu) == {"runtimes": runtimes, "features": {"cdi": True}}
    assert steps.containerd_settings(gpu) == {"nvidia_runtime": steps.RUNTIME, "enable_cdi": "true"}
    asked = host(**A100, toolkit={"mode": "legacy", "defaultRuntime": True}).gpu
    assert steps.docker_settings(asked) == {"runtimes": runtimes, "default-runtime": "nvidia"}
    assert steps.containerd_settings(asked) == {"nvidia_runtime": steps.RUNTIME, "default_runtime": "nvidia"}


def test_a_container_is_run_only_where_an_image_is_given() -> None:
    assert steps.smoke(host(**A100, toolkit={}), Containerd()) == []
    [step] = steps.smoke(host(**A100, toolkit={"smokeImage": "x:1"}), Docker(kind="docker"))
    assert step.inputs == {"image": "x:1", "engine": "docker", "count": "8"}


def test_each_step_says_what_it_is_for() -> None:
    heads = {script: script.read_text().splitlines()[0] for script in SCRIPTS}
    assert [script for script, head in heads.items() if not (head.startswith("# ") and head.endswith("."))] == []
