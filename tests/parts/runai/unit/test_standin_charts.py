"""The stand-in's charts, rendered by helm: which values they refuse."""

import subprocess
from pathlib import Path

import pytest

from lab.parts.runai import depot
from tests.plugins.tools import tool

ADMIN = "tenantsManager.config.adminUsername=a@runai.lab,tenantsManager.config.adminPassword"
BACKEND = f"global.domain=runai.lab,{ADMIN}"
CLUSTER = "controlPlane.url=https://runai.lab,cluster.uid=u,cluster.url=runai.lab,controlPlane"


def rendered(chart: str, version: str, values: str, namespace: str) -> tuple[bool, str]:
    """Whether helm renders it, and what it says."""
    folder = next(each for each in depot.charts() if each.parts[-2:] == (version, chart))
    command = [tool("helm"), "template", "r", str(folder), "-n", namespace, "--kube-version", "1.34.2", "--set", values]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("version", "key"), [("2.25.0", "clientSecret"), ("3.0.0", "bootstrapToken")])
def test_a_cluster_joins_by_what_its_version_has(version: str, key: str) -> None:
    other = {"clientSecret": "bootstrapToken", "bootstrapToken": "clientSecret"}[key]
    good, text = rendered("runai-cluster", version, f"{CLUSTER}.{key}=s", "runai")
    assert good, text
    assert "kind: RunaiConfig" in text
    assert f"image: nvcr.io/{depot.STAND_IN}" in text
    assert rendered("runai-cluster", version, f"{CLUSTER}.{other}=s", "runai")[0] is False


@pytest.mark.parametrize(
    ("chart", "version", "values", "namespace", "said"),
    [
        ("runai-cluster", "3.0.0", f"{CLUSTER}.bootstrapToken=s", "other", "the namespace must be runai"),
        (
            "runai-cluster",
            "3.0.0",
            f"{CLUSTER}.bootstrapToken=s,clusterConfig.global.none=1",
            "runai",
            "'none' not allowed",
        ),
        ("runai-cluster", "3.0.0", "cluster.uid=u,controlPlane.bootstrapToken=s", "runai", "is required"),
        ("control-plane", "3.0.0", f"{BACKEND}=weak", "runai-backend", "adminPassword must have at least 8 characters"),
        ("control-plane", "3.0.0", f"{ADMIN}=Strong!234", "runai-backend", "global.domain is required"),
        ("control-plane", "2.25.0", f"{BACKEND}=Strong!234,supportEntitled=true", "runai-backend", "not allowed"),
    ],
)
def test_refused(chart: str, version: str, values: str, namespace: str, said: str) -> None:
    good, text = rendered(chart, version, values, namespace)
    assert not good
    assert said in text


def test_the_control_plane() -> None:
    good, text = rendered("control-plane", "3.0.0", f"{BACKEND}=Strong!234", "runai-backend")
    assert good, text
    assert "name: runai-backend-postgresql" in text


def test_what_it_says_it_is() -> None:
    for folder in depot.charts():
        assert "stand-in" in (Path(folder) / "Chart.yaml").read_text()
