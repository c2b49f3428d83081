"""Preflight's step containerd_devices with stand-ins for the package managers, and the hosts that have it."""

from pathlib import Path
from typing import Any

import pytest

from components.engine.verify import LEAST
from components.matrix import Thing, thing
from stacks.compatibility import matrix
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.model import Site
from stacks.plan import engine, preflight
from tests.unit.step_host import StepHost

STEP = Path(__file__).parents[2] / "components/engine/steps/containerd_devices.sh"
CDI = {"package": "containerd", "least": "1.7", "way": "cdi"}
T4 = {"model": "T4", "count": 2}
CLUSTER = {"kubernetes": {"version": "1.34.2"}, "os": "debian-12"}
GPU = {"gpu": T4 | {"toolkit": {}}}
PODS = CLUSTER | {"engine": {"package": "containerd"}, "host": GPU, "devicePlugin": {}}
PINNED = PODS | {"engine": {"version": "1.6.33-1"}}
OPERATED = {key: value for key, value in PODS.items() if key != "devicePlugin"} | {"gpuOperator": {}}
CLAIMED = OPERATED | {"host": {"gpu": T4}, "gpuOperator": {"dra": True}}
NRI = OPERATED | {"host": {"gpu": T4}, "gpuOperator": {"nri": True}, "os": "debian-13"}


def said(root: Path, installed: str, candidate: str, inputs: dict[str, str] = CDI, system: str = "ubuntu") -> str:
    host = StepHost(root, os=system, like="rhel" if system == "rocky" else "debian")
    host.program("dpkg-query", f'[[ -n "{installed}" ]] || exit 1\necho "installed {installed}"')
    host.program("apt-cache", f"printf '{inputs['package']}:\\n  Installed: (none)\\n  Candidate: {candidate}\\n'")
    host.program("rpm", f'[[ -n "{installed}" ]] || {{ echo "package is not installed"; exit 1; }}\necho "{installed}"')
    return host.call(STEP, "check", inputs)[1]


@pytest.mark.row("O1", "O3")
@pytest.mark.parametrize(
    ("installed", "candidate", "seen"),
    [
        ("", "1.6.20~ds1-1+deb12u1", "1.6.20"),
        ("1.6.20~ds1-1", "1.7.24-1", "1.6.20"),  # a package that is there stays
        ("", "1:1.6.33-1", "1.6.33"),
        ("1.7.24~ds1-6", "1.6.20", ""),
        ("", "2.2.1-0ubuntu1", ""),
        ("", "(none)", ""),
    ],
)
def test_one_that_ignores_cdi_is_refused_before_any_change(
    tmp_path: Path, installed: str, candidate: str, seen: str
) -> None:
    text = (
        f"has the package containerd {seen}, which ignores the CDI names of devices, so that pods get no GPU, "
        "wants 1.7 or later. Fix: write engine: {} in the site for Docker's build, or gpu.toolkit: {mode: legacy} "
        "on hosts with GPUs"
    )
    assert said(tmp_path, installed, candidate) == (text if seen else "")


def test_the_plugin_of_the_toolkit_needs_a_later_one(tmp_path: Path) -> None:
    nri = CDI | {"least": "1.7.30", "way": "nri"}
    assert said(tmp_path / "old", "1.7.24-1", "", nri).endswith("for Docker's build, or take nri away")
    assert said(tmp_path / "new", "1.7.30-1", "", nri) == ""


def test_red_hats_family_shows_what_is_installed(tmp_path: Path) -> None:
    of = CDI | {"package": "containerd.io"}
    assert said(tmp_path / "old", "1.6.33", "", of, "rocky").startswith("has the package containerd.io 1.6.33, which")
    assert said(tmp_path / "none", "", "", of, "rocky") == ""


def asked(folder: Path, toolkit: dict[str, Any] | None = None, **said: Any) -> dict[str, dict[str, str] | None]:
    gpu = T4 if toolkit is None else T4 | {"toolkit": toolkit}
    hosts = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "gpu-1": {"address": "10.0.0.21", "gpu": gpu},
    }
    site = site_from({"hosts": hosts, "kubernetes": {}, **said}, stack="lab", folder=folder, keys=False)
    found = {
        host.name: [step for step in preflight(site, host) if step.id == "containerd_devices"] for host in site.active
    }
    for host in site.active:
        again = [step for step in engine(site, host) if step.id == "containerd_devices"]
        assert again == found[host.name], "and again, once it is installed"
    return {name: dict(steps[0].inputs) if steps else None for name, steps in found.items()}


@pytest.mark.row("O1", "O3")
def test_hosts_whose_pods_get_gpus_by_cdi_are_asked(tmp_path: Path) -> None:
    own = {"engine": {"package": "containerd"}}
    assert asked(tmp_path, {}, devicePlugin={}, **own) == {"cp-1": None, "gpu-1": CDI}
    assert asked(tmp_path, {}, gpuOperator={}) == {"cp-1": None, "gpu-1": CDI | {"package": "containerd.io"}}
    assert asked(tmp_path, gpuOperator={"dra": True}, **own)["gpu-1"] == CDI
    assert asked(tmp_path, gpuOperator={"nri": True}, **own)["gpu-1"] == CDI | {"least": "1.7.30", "way": "nri"}
    legacy = {"mode": "legacy"}
    assert asked(tmp_path, legacy, devicePlugin={}, **own)["gpu-1"] is None
    assert asked(tmp_path, legacy, gpuOperator={"cdi": False}, **own)["gpu-1"] is None
    # Its own toolkit reads CDI names where containerd does not.
    assert asked(tmp_path, gpuOperator={}, **own)["gpu-1"] is None


@pytest.mark.row("X7", "O3")
@pytest.mark.parametrize(
    ("bad", "followed"),
    [
        (PODS, {"engine": {}}),
        (PODS, {"host": GPU | {"gpu": T4 | {"toolkit": {"mode": "legacy"}}}}),
        (PODS, {"devicePlugin": {"strategy": "envvar"}}),
        (PODS, {"os": "debian-13"}),
        (PINNED, {"engine": {"version": "1.7.29-1"}}),
        (OPERATED, {"engine": {}}),
        (OPERATED, {"gpuOperator": {"cdi": False}}),
        (OPERATED, {"host": GPU | {"gpu": T4}}),
        (CLAIMED, {"engine": {}}),
        (NRI, {"gpuOperator": {}}),
        (NRI, {"engine": {}}),
    ],
)
def test_a_known_containerd_is_refused_before_any_host_is_asked_and_each_fix_is_accepted(
    tmp_path: Path, bad: dict[str, Any], followed: dict[str, Any]
) -> None:
    with pytest.raises(SiteError, match="does not fit GPUs of pods by"):
        made(tmp_path, **bad)
    assert made(tmp_path, **bad | followed).active


def made(folder: Path, host: dict[str, Any], **said: Any) -> Site:
    hosts = {"one": {"address": "10.0.0.1", "roles": ["control-plane"], **host}}
    return site_from({"hosts": hosts, **said}, stack="lab", folder=folder, keys=False)


def test_preflight_asks_hosts_for_the_oldest_containerd_that_the_rows_name() -> None:
    """Of a host whose system the site does not name, only the host knows the version."""
    for way, least in LEAST.items():
        asked = {
            version: matrix().verdict(thing("containerd", "", version), _way(way)).fits for version in (least, "1.6.20")
        }
        assert asked == {least: True, "1.6.20": False}, way
    assert not matrix().verdict(thing("containerd", "", "1.7.24"), _way("nri")).fits


def _way(name: str) -> Thing:
    return thing("devices of pods", "", name)
