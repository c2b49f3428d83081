"""Projects' quotas where GPUs are divided, shared or claimed. Does not prove: that Kubernetes counts what they name."""

from pathlib import Path
from typing import Any

import pytest

from stacks.checks import notes
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.model import Site
from tests.unit.test_layers_in_a_row import plan_of

pytestmark = pytest.mark.row("S4", "O6")


def site(folder: Path, gpus: int, *, state: str = "active", part: str = "gpuOperator", **said: Any) -> Site:
    """Two nodes with 4 GPUs each; `said` is the part's entry."""
    gpu = {"model": "A100-SXM4-80GB", "count": 4, "driver": "580", "toolkit": {}}
    hosts = {
        "cp-1": {"address": "10.0.0.11", "roles": ["control-plane"]},
        "gpu-1": {"address": "10.0.0.21", "gpu": gpu},
        "gpu-2": {"address": "10.0.0.22", "gpu": gpu, "state": state},
    }
    whole = {"hosts": hosts, "kubernetes": {}, "projects": {"vision": {"gpus": gpus}}, part: said}
    return site_from(whole, stack="lab", folder=folder, keys=False)


def bounded(of: Site) -> dict[str, str]:
    """The quota's keys for GPUs."""
    hard = plan_of(of).one("vision-quota").inputs["spec"]["hard"]
    return {key: value for key, value in hard.items() if key != "pods"}


WHOLE = "requests.nvidia.com/gpu"
PROFILES = ("1g.10gb", "1g.10gb.me", "1g.20gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb")


@pytest.mark.parametrize("part", ["gpuOperator", "devicePlugin"])
def test_no_profile_of_mig_is_a_way_round_a_quota(tmp_path: Path, part: str) -> None:
    assert bounded(site(tmp_path, 2, part=part)) == {WHOLE: "2"}
    mixed = bounded(site(tmp_path, 2, part=part, migStrategy="mixed"))
    assert mixed == dict.fromkeys((WHOLE, *(f"requests.nvidia.com/mig-{name}" for name in PROFILES)), "2")


def test_no_claim_of_a_device_is_a_way_round_a_quota(tmp_path: Path) -> None:
    classes = ("gpu.nvidia.com", "mig.nvidia.com", "vfio.gpu.nvidia.com")
    keys = (WHOLE, *(f"{name}.deviceclass.resource.k8s.io/devices" for name in classes))
    assert bounded(site(tmp_path, 0, dra=True)) == dict.fromkeys(keys, "0")


def test_a_project_may_have_as_many_gpus_as_shared_ones_are_offered(tmp_path: Path) -> None:
    shared: dict[str, Any] = {"pools": {"trials": {"hosts": ["gpu-1"], "timeSlicing": 4}}}
    assert bounded(site(tmp_path, 20, **shared)) == {WHOLE: "20"}
    with pytest.raises(SiteError, match=r"projects\.vision\.gpus: 21 is more than all hosts offer, which is 20\."):
        site(tmp_path, 21, **shared)
    # A dead host can be taken out, whatever projects were promised.
    assert "projects: quotas promise 20 GPUs, the hosts offer 16." in notes(site(tmp_path, 20, state="gone", **shared))
