"""What researchers submit, on a real API server: the sample jobs in a project's namespace of the strictest level, and
MLflow's template as MLflow fills it in.

Does not prove: that they run; there is no node and no scheduler.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.platforms.runai import mlflow, samples
from tests.parts.runai.sites import of_version, parts_of
from tests.plugins.api_server import ApiServer, api_server

STRICT = "fieldValidation=Strict"
READ = YAML(typ="safe", pure=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """With the namespaces of two projects."""
    with api_server(tmp_path_factory.mktemp("api")) as running:
        for name in ("vision", "audio"):
            labels = {"pod-security.kubernetes.io/enforce": "restricted"}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            running.ask("POST", "/api/v1/namespaces", body)
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            running.ask("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account, status=(201, 409))
        yield running


def submitted(server: ApiServer, job: dict[str, Any]) -> dict[str, Any]:
    """The job as it is kept; its pod is tried, too, since the API server judges only pods by their level."""
    namespace = job["metadata"]["namespace"]
    template = job["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {**template["metadata"], "name": "tried"}}
    server.ask("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All&{STRICT}", pod)
    return server.ask("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs?dryRun=All&{STRICT}", job)


@pytest.mark.row("R11")
@pytest.mark.parametrize("version", ["3.0.0", "2.25.0", "2.24.0"])
def test_every_sample_job_is_taken(server: ApiServer, tmp_path: Path, version: str) -> None:
    site = of_version(tmp_path, version, scheduling={"fractions": True})
    for path, text in samples.files(*parts_of(site)).items():
        asked = READ.load(text)
        made = submitted(server, asked)
        pod, wanted = made["spec"]["template"], asked["spec"]["template"]
        assert pod["metadata"]["labels"].items() >= wanted["metadata"]["labels"].items(), path
        assert pod["metadata"].get("annotations") == wanted["metadata"].get("annotations"), path
        assert made["metadata"].get("annotations") == asked["metadata"].get("annotations"), path


def filled(job: dict[str, Any]) -> dict[str, Any]:
    """As _get_kubernetes_job_definition of MLflow 3.17 does it."""
    job["metadata"]["name"] = "a-project-2026-11-30-10-00-00-123456"
    [container] = job["spec"]["template"]["spec"]["containers"]
    image = "registry.example.org:5000/mlflow/vision:1@sha256:" + "a" * 64
    container |= {"name": "a-project", "image": image, "command": ["python", "train.py"]}
    container["env"] = [*container.get("env", []), {"name": "MLFLOW_RUN_ID", "value": "1"}]
    return job


@pytest.mark.row("R9")
@pytest.mark.parametrize("version", ["3.0.0", "2.24.0"])
def test_the_job_that_mlflow_makes_of_its_template_is_taken(server: ApiServer, tmp_path: Path, version: str) -> None:
    of = {"projects": {"vision": {"gpus": 1, "podSecurity": "restricted"}}}
    site = of_version(tmp_path, version, of=of, mlflow={"repository": "registry.example.org:5000/mlflow"})
    found = {path: text for path, text in mlflow.files(*parts_of(site)).items() if path.endswith(".yaml")}
    assert len(found) == 2
    for text in found.values():
        made = submitted(server, filled(READ.load(text)))
        assert made["spec"]["template"]["spec"]["schedulerName"] == "runai-scheduler"
