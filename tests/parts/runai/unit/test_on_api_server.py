"""What researchers submit, on a real API server: the sample jobs in a project's namespace of the strictest level.

Does not prove: that they run; there is no node and no scheduler.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.platforms.runai import samples
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


def submitted(server: ApiServer, text: str) -> dict[str, Any]:
    """The job as it is kept; its pod is tried, too, since the API server judges only pods by their level."""
    job = READ.load(text)
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
        made = submitted(server, text)
        asked = READ.load(text)
        pod, wanted = made["spec"]["template"], asked["spec"]["template"]
        assert pod["metadata"]["labels"].items() >= wanted["metadata"]["labels"].items(), path
        assert pod["metadata"].get("annotations") == wanted["metadata"].get("annotations"), path
        assert made["metadata"].get("annotations") == asked["metadata"].get("annotations"), path
