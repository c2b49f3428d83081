"""The vendor's archive in the plan: its layer before the cluster's, its charts in the releases, room for its images.

Does not prove: what its steps do (tests/scripts/test_delivery.py), and that Helm takes such a chart.
"""

import base64
from pathlib import Path
from typing import Any

import pytest

from stacks.checks import notes
from stacks.faults import SiteError
from stacks.needed import pushed
from stacks.plan import engine, preflight
from stacks.site import build
from tests.parts.runai.sites import HOSTS, site_of
from tests.unit.recorder import Plan, record
from tests.unit.test_golden import FakeSecrets
from tests.unit.test_plan import void

pytestmark = pytest.mark.row("R2")

SUM = "ab" * 32
PACKAGE = {"host": "cpu-1", "file": "/srv/runai-airgapped-package-3.0.0.tar.gz", "sha256": SUM}
REGISTRY = {"images": "sys-1:5000/runai", "username": "site", "passwordSecret": "registryPassword"}
OWN = {"registry": {"host": "sys-1", "passwordSecret": "registryPassword"}}


def planned(folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Plan:
    monkeypatch.chdir(folder)
    site = site_of(folder, package=PACKAGE, registry=REGISTRY, **more)
    text = {"stdout": base64.b64encode(b"chart").decode()}
    outputs = {f"{site.name}-kubeconfig": {"stdout": "the-kubeconfig"}}
    outputs |= {f"runai-{name}-chart": text for name in ("control-plane", "cluster")}
    return record(lambda: void(build(site, FakeSecrets())), outputs)


def test_releases_take_their_charts_from_the_archive_after_it_was_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tmp_path, monkeypatch)
    for release, key, chart in (
        ("runai-control-plane", "control-plane", "control-plane-3.0.0"),
        ("runai-release", "cluster", "runai-cluster-3.0.0"),
    ):
        read = plan.one(f"runai-{key}-chart")
        assert read.inputs["create"].endswith(f"/var/lib/gpu-metal-deliveries/runai-{SUM[:12]}/.charts/{chart}.tgz")
        assert read.inputs["logging"] == "none"
        assert "cpu-1-runai-package" in read.depends_on
        made = plan.one(release)
        path = f".gpu-metal/charts/{SUM[:12]}/{chart}.tgz"
        assert (made.inputs["chart"], made.inputs["version"]) == (path, "3.0.0")
        assert "repositoryOpts" not in made.inputs
        assert f"runai-{key}-chart" in made.depends_on
        assert (tmp_path / path).read_bytes() == b"chart"


def test_a_chart_that_the_site_names_is_not_taken_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(tmp_path, monkeypatch, controlPlane={"chart": "./own.tgz"})
    assert plan.one("runai-control-plane").inputs["chart"] == "./own.tgz"
    create = plan.one("cpu-1-runai-package").inputs["create"]
    assert "charts=runai-cluster=3.0.0" in create
    assert not [each for each in plan.resources.values() if each.name == "runai-control-plane-chart"]


def test_the_layer_pushes_where_pods_pull_and_the_password_is_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = planned(tmp_path, monkeypatch).one("cpu-1-runai-package")
    for word in ("images=sys-1:5000/runai", "user=site", f"sha256={SUM}", "free_gb=20", f"file={PACKAGE['file']}"):
        assert word in layer.inputs["create"]
    assert "'charts=control-plane=3.0.0 runai-cluster=3.0.0'" in layer.inputs["create"]
    assert "registryPassword" not in layer.inputs["create"]
    assert "the value of registryPassword" in layer.inputs["stdin"]
    assert "stdin" in layer.secret


def test_room_is_looked_at_on_both_hosts_before_anything_is_changed(tmp_path: Path) -> None:
    site = site_of(tmp_path, of=OWN, package={**PACKAGE, "freeGb": 33}, registry=REGISTRY)
    steps = {step.id: dict(step.inputs) for name in ("cpu-1", "sys-1") for step in preflight(site, site.hosts[name])}
    assert steps["delivery_ready#runai"]["free_gb"] == "33"
    wanted = {"folder": "/var/lib/gpu-metal-registry", "free_gb": "33", "archives": SUM}
    assert steps["registry_room"] == wanted
    noted = {step.id: dict(step.inputs) for step in engine(site, site.hosts["sys-1"])}
    assert noted["registry_room"] == {**wanted, "note": "yes"}
    assert pushed(site) == {SUM: 33}


@pytest.mark.parametrize("images", ["registry.example.org:5000/runai", "sys-1:5001/runai"])
def test_a_registry_of_others_is_not_looked_into(tmp_path: Path, images: str) -> None:
    site = site_of(tmp_path, of=OWN, package=PACKAGE, registry={**REGISTRY, "images": images})
    assert pushed(site) == {}


@pytest.mark.parametrize("name", ["sys-1", "sys-1.ai.example.org", "10.0.0.21"])
def test_the_sites_own_registry_is_known_by_each_of_its_names(tmp_path: Path, name: str) -> None:
    assert HOSTS["sys-1"]["address"] == "10.0.0.21"
    site = site_of(tmp_path, of=OWN, package=PACKAGE, registry={**REGISTRY, "images": f"{name}:5000/runai"})
    assert pushed(site) == {SUM: 20}


def test_the_sites_own_registry_is_not_asked_for_before_it_is_made(tmp_path: Path) -> None:
    mirrors = {"nvcr.io": ["https://sys-1:5000"], "docker.io": ["https://mirror.example.org"]}
    site = site_of(tmp_path, of={**OWN, "engine": {"mirrors": mirrors}}, package=PACKAGE, registry=REGISTRY)
    asked = {step.id: dict(step.inputs) for step in preflight(site, site.hosts["cpu-1"])}
    assert asked["reachable#registries"]["urls"] == "https://mirror.example.org/v2/"
    assert "sys-1" not in asked["dns_resolves"]["names"]


def test_a_control_plane_whose_images_no_node_would_find_is_said(tmp_path: Path) -> None:
    def said(**more: Any) -> list[str]:
        engine = {"mirrors": {"nvcr.io": more.pop("mirrors", [])}}
        site = site_of(tmp_path, of={**OWN, "engine": engine}, package={**PACKAGE, **more}, registry=REGISTRY)
        return [line for line in notes(site) if "package" in line]

    here = {"mirrors": ["https://sys-1:5000"]}
    assert said(**here) == []
    wanted = "platforms[0].package: the control plane's chart asks nvcr.io for its images, and nodes would not look for"
    for other in ({}, {"mirrors": ["https://mirror.example.org"]}, {**here, "names": "last"}):
        [line] = said(**other)
        assert line.startswith(wanted)
        assert "Write engine: {mirrors: {nvcr.io: [https://sys-1:5000]}}" in line


def test_an_older_release_takes_its_charts_from_it_too(tmp_path: Path) -> None:
    old: dict[str, Any] = {"version": "2.25.0", "of": {"gpuOperator": {"version": "v26.3.0"}, "allowUntested": True}}
    with pytest.raises(SiteError, match=r"does not have Run:ai 2\.25\.0"):
        site_of(tmp_path, **old)
    assert site_of(tmp_path, package=PACKAGE, registry=REGISTRY, **old)


def test_without_a_registry_it_goes_nowhere(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"package: needs the registry that its images are pushed to\."):
        site_of(tmp_path, package=PACKAGE)
