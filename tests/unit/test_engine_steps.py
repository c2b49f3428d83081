"""Which steps the engine gets from its config. That they do what they say is proven in tests/scripts only."""

from typing import Any

import versions
from components.engine import steps
from components.engine.config import Containerd
from components.hostrun.step import Step


def engine(**values: Any) -> dict[str, Step]:
    return {step.id: step for step in steps.engine(Containerd.model_validate(values))}


def test_the_package_is_held_before_it_is_configured_and_the_service_comes_last() -> None:
    made = engine()
    assert list(made) == ["packages#containerd", "containerd_config", "containerd"]
    inputs = made["packages#containerd"].inputs
    assert (inputs["names"], inputs["hold"]) == ("containerd.io", "yes")
    assert "/var/lib/containerd" in inputs["folders"].split()
    assert made["containerd_config"].inputs == {
        "cgroup_driver": "systemd",
        "restrict_oom_score_adj": "false",
        "sandbox_image": versions.PAUSE_IMAGE,
    }


def test_the_sites_choices_reach_the_steps() -> None:
    made = engine(package="containerd", version="1.6.20~ds1-1", cgroupDriver="cgroupfs", restrictOomScoreAdj=True)
    assert made["packages#containerd"].inputs["names"] == "containerd=1.6.20~ds1-1"
    assert made["containerd_config"].inputs["cgroup_driver"] == "cgroupfs"
    assert made["containerd_config"].inputs["restrict_oom_score_adj"] == "true"
    [config] = [s for s in steps.engine(Containerd(), sandbox_image="r:5000/pause:1") if s.id == "containerd_config"]
    assert config.inputs["sandbox_image"] == "r:5000/pause:1"


def test_mirrors_keep_their_order() -> None:
    made = engine(mirrors={"docker.io": ["http://a:5000", "https://b/v2/hub"], "r:5000": ["http://r:5000"]})
    assert list(made) == ["packages#containerd", "containerd_config", "registry_mirrors", "containerd"]
    assert made["registry_mirrors"].inputs == {"docker.io": "http://a:5000 https://b/v2/hub", "r:5000": "http://r:5000"}
