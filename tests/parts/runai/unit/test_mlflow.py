"""What MLflow is given to run projects as jobs of Run:ai. Does not prove: that MLflow takes it; it is not here."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.platforms.runai import mlflow
from components.platforms.runai.part import PART
from tests.parts.runai.sites import of_version, parts_of, site_of

pytestmark = pytest.mark.row("R9")

READ = YAML(typ="safe", pure=True)
IMAGES = {"repository": "registry.example.org:5000/mlflow"}


def written(folder: Path, version: str = "3.0.0", level: str = "baseline") -> dict[str, str]:
    projects = {"vision": {"gpus": 2, "podSecurity": level}}
    return mlflow.files(*parts_of(of_version(folder, version, of={"projects": projects}, mlflow=IMAGES)))


def template(found: dict[str, str], kind: str = "training") -> dict[str, Any]:
    made: dict[str, Any] = READ.load(found[f"mlflow/vision/{kind}/kubernetes_job_template.yaml"])
    return made


def test_a_job_goes_to_the_project_by_run_ais_scheduler(tmp_path: Path) -> None:
    found = written(tmp_path)
    assert json.loads(found["mlflow/vision/training/kubernetes_config.json"]) == {
        "repository-uri": "registry.example.org:5000/mlflow/vision",
        "kube-job-template-path": "kubernetes_job_template.yaml",
    }
    made = template(found)
    assert made["metadata"]["namespace"] == "vision"
    assert (made["spec"]["backoffLimit"], made["spec"]["ttlSecondsAfterFinished"]) == (0, 100)
    pod = made["spec"]["template"]["spec"]
    assert (pod["schedulerName"], pod["restartPolicy"]) == ("runai-scheduler", "Never")
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["containers"][0]["image"].startswith("{replaced with")


@pytest.mark.parametrize(
    ("version", "training", "interactive"),
    [
        (
            "3.0.0",
            {"kai.scheduler/preemptibility": "preemptible"},
            {"kai.scheduler/preemptibility": "non-preemptible", "priorityClassName": "high"},
        ),
        ("2.24.0", {}, {"priorityClassName": "build"}),
    ],
)
def test_an_interactive_one_has_the_priority_that_its_version_calls_so(
    tmp_path: Path, version: str, training: dict[str, str], interactive: dict[str, str]
) -> None:
    found, queue = written(tmp_path, version), {"runai/queue": "vision"}
    for kind, labels in (("training", training), ("interactive", interactive)):
        made = template(found, kind)
        assert made["metadata"]["labels"] == made["spec"]["template"]["metadata"]["labels"] == {**queue, **labels}


def test_only_a_restricted_project_has_its_images_run_as_nobody(tmp_path: Path) -> None:
    assert "securityContext" not in template(written(tmp_path))["spec"]["template"]["spec"]
    pod = template(written(tmp_path, level="restricted"))["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_it_is_among_the_files_where_the_site_asks_for_it(tmp_path: Path) -> None:
    assert not [path for path in PART.files(*parts_of(site_of(tmp_path))) if "mlflow" in path]
    found = PART.files(*parts_of(site_of(tmp_path, mlflow=IMAGES)))
    assert "mlflow/audio/interactive/kubernetes_config.json" in found
    assert "jobs/audio/batch.yaml" in found
