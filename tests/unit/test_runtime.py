"""A change of the container engine's package: which members move, in which order, and what is refused.

Does not prove: that pods run afterwards (tests/lab/test_containerd.py).
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.kubernetes.runtime import forbidden, package_of, packages
from components.kubernetes.upgrade import Move
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.site import build
from tests.unit.recorder import Plan, record
from tests.unit.test_plan import NoSecrets, site, void
from tests.unit.test_turn import Cluster, cluster
from tests.unit.test_upgrade import four

__all__ = ["cluster", "four", "site"]
CREATE = (
    "sudo -n gpu-metal apply engine \\\n  :: 'packages@0123456789ab#jq' names=jq \\\n"
    "  :: 'packages@0123456789ab#containerd' {} hold=yes 'folders=/var/lib/containerd /etc/cni'"
)
OLD, NEW = "containerd=1.6.20~ds1-1+deb12u1", "containerd=2.4.2-1"


@pytest.mark.parametrize(
    ("words", "package"),
    [("names=containerd", "containerd"), (f"'names={OLD}'", OLD), ("names=containerd.io", "containerd.io")],
)
def test_the_package_is_read_from_the_state(words: str, package: str) -> None:
    assert package_of(CREATE.format(words)) == package
    assert package_of("DRIFTED") is None
    assert package_of("gpu-metal apply engine \\\n  :: 'packages@0123456789ab#docker' names=docker-ce") is None


@pytest.mark.row("C1", "K16")
@pytest.mark.parametrize(
    ("saw", "wanted", "moves"),
    [
        ("has containerd 2.4.2-1, wants 2.1.5-1", "containerd=2.1.5-1", {"gpu-1": "containerd=2.4.2-1"}),
        ("has containerd 2.1.5-1 not held", "containerd=2.1.5-1", {}),
        ("has containerd 2.1.5-1 not held", "containerd=2.1.*", {}),
        ("has containerd 2.1.5-1 not held", "containerd=2.4.2-1", {"gpu-1": "containerd=2.1.5-1"}),
        ("lacks its record of the packages it asks for, the site's", "containerd=2.4.2-1", {}),
    ],
)
def test_a_package_that_was_changed_by_hand_gets_its_turn_once_drift_is_recorded(
    saw: str, wanted: str, moves: dict[str, str]
) -> None:
    first, _, _ = CREATE.partition("  :: 'packages@0123456789ab#containerd'")
    engine = f"{first}  :: packages@0123456789ab#containerd DRIFTED {saw}"
    assert packages({"gpu-1-node": "", "gpu-1-engine": engine}, wanted) == moves


def test_members_move_whose_package_differs_but_not_when_only_the_pin_goes() -> None:
    layers = {
        "cp-1-node": "",
        "cp-1-engine": CREATE.format(f"'names={OLD}'"),
        "db-1-engine": CREATE.format("names=containerd"),
    }
    assert packages(layers, NEW) == {"cp-1": OLD}
    assert packages(layers, "containerd.io") == {"cp-1": OLD}
    assert packages(layers, "containerd") == {}
    assert packages(layers, OLD) == {}
    assert packages(layers, "containerd=1.6.*") == {}


@pytest.mark.parametrize(
    ("before", "wanted", "why"), [(NEW, OLD, "docs/how-to/upgrade.md"), (OLD, NEW, None), ("containerd", NEW, None)]
)
def test_a_way_back_to_an_older_major_version_is_refused(before: str, wanted: str, why: str | None) -> None:
    said = forbidden(wanted, [Move("gpu-1", "worker", before, 1)])
    assert (said is None) == (why is None)
    assert why is None or (why in (said or "") and "gpu-1" in (said or ""))


def plan(site: dict[str, Any], folder: Path, word: str, version: str = "1.34.2") -> Plan:
    made = site_from(site, stack="lab", folder=folder)
    state = {
        f"{name}-node": {"create": f"x \\\n  :: kubernetes_version@01ab version={version}"} for name in site["hosts"]
    }
    state |= {f"{name}-engine": {"create": CREATE.format(word)} for name in site["hosts"]}
    return record(lambda: void(build(made, NoSecrets())), {"lab-kubeconfig": {"stdout": "x"}}, state)


@pytest.mark.row("C1", "K16")
def test_engines_change_in_turn_control_planes_first(
    four: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", told.append)
    four = {**four, "engine": {**four.get("engine", {}), "package": "containerd", "version": NEW.partition("=")[2]}}
    found = plan(four, tmp_path, f"names={OLD}")
    order = ["aa-1", "aa-2", "cp-1", "cpu-1", "gpu-1", "zz-1"]
    for former, name in pairwise(order):
        assert f"{former}-engine" in found.one(f"{name}-engine").depends_on
    for name in order:
        options = found.one(f"{name}-engine").options
        assert ("engine-turn" in options["hooks"], "engine-turn-end" in options["after"]) == (True, True)
    assert told[0].splitlines()[:2] == [
        "The container engine changes, in this order:",
        f"  1. aa-1, control-plane: {OLD} → {NEW}, its pods move away first",
    ]
    settled = plan(four, tmp_path, f"names={NEW}")
    assert "gpu-1-engine" not in settled.one("zz-1-engine").depends_on
    with pytest.raises(SiteError, match=r"and Kubernetes too: [ac]\S+ has 1\.33\.13"):
        plan(four, tmp_path, f"names={OLD}", "1.33.13")


def begin(cluster: Cluster, package: str) -> tuple[str, str | None]:
    return cluster.begin(version=package), cluster.has("did")


@pytest.mark.row("C1", "K16")
def test_a_node_is_emptied_for_another_engine_and_works_again_once_it_runs_it(cluster: Cluster) -> None:
    kubectl = (cluster.folder / "kubectl").read_text().replace("*nodeInfo*", "*containerRuntimeVersion*")
    cluster.put("kubectl", kubectl)
    cluster.put("version", "containerd://1.6.20~ds1")
    assert begin(cluster, NEW) == ("", "cordon\ndrain")
    assert cluster.has("mark") == NEW
    end = ("end", "gpu-1", NEW, "0")
    assert "is not Ready with containerd=2.4.2-1: it runs containerd://1.6.20~ds1" in cluster.run(*end)
    cluster.put("version", "containerd://2.4.20")
    assert "it runs containerd://2.4.20" in cluster.run(*end)
    cluster.put("version", "containerd://2.4.2")
    (cluster.folder / "did").unlink()
    assert (cluster.run(*end), cluster.has("did"), cluster.has("mark")) == ("", "uncordon", None)
    # A node does not show its package's revision, so that this may be another one.
    assert begin(cluster, NEW) == ("", "cordon\ndrain")


@pytest.mark.row("C1", "K16")
def test_a_version_with_a_pattern_is_a_turn_that_ends_with_a_ready_node(cluster: Cluster) -> None:
    cluster.put("version", "containerd://2.1.5")
    assert begin(cluster, "containerd.io=2.1.*") == ("", "cordon\ndrain")
    assert cluster.run("end", "gpu-1", "containerd.io=2.1.*", "0") == ""


@pytest.mark.row("C1")
def test_a_package_without_a_version_is_always_a_turn_and_ends_with_a_ready_node(cluster: Cluster) -> None:
    cluster.put("version", "containerd://1.7.28")
    assert begin(cluster, "containerd.io") == ("", "cordon\ndrain")
    assert cluster.run("end", "gpu-1", "containerd.io", "0") == ""
    assert cluster.has("cordoned") is None
