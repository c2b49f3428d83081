"""Files by which MLflow runs a project's training as a job of Run:ai. Pure.

MLflow fills in the job's and the container's name, its image and its command, and appends to its variables
(mlflow/projects/kubernetes.py of 2.x and 3.x).

Rows: R9.
"""

import json
from typing import Any

from components.gpu.pods import RESOURCE
from components.parts.part import Ground
from components.platforms.runai import places, tracking, versions
from components.platforms.runai.config import Mlflow, Runai
from components.platforms.runai.samples import CONTAINER, priority, template, yaml

_NAME = "{replaced with MLflow Project name}"
_FILLED = {
    "name": _NAME,
    "image": "{replaced with URI of Docker image created during Project execution}",
    "command": ["{replaced with MLflow Project entry point command}"],
}


def files(config: Runai, ground: Ground) -> dict[str, str]:
    """By path: for each project, training that may be stopped for others, and a session that may not."""
    if config.mlflow is None:
        return {}
    return {
        f"mlflow/{project}/{kind}/{name}": text
        for project in ground.projects
        for kind, stays in (("training", False), ("interactive", True))
        for name, text in _pair(config.mlflow, config, ground, project, stays=stays).items()
    }


def _pair(of: Mlflow, config: Runai, ground: Ground, project: str, *, stays: bool) -> dict[str, str]:
    file = "kubernetes_job_template.yaml"
    backend = {"repository-uri": f"{of.repository}/{project}", "kube-job-template-path": file}
    use = "mlflow run FOLDER --backend kubernetes --backend-config kubernetes_config.json"
    what = "Interactive: it is not stopped for others" if stays else "Training that may be stopped for others"
    head = f"# {what}. Here, beside it: {use}\n"
    if tracking.env_from(config, project):
        uri = f"MLFLOW_TRACKING_URI=https://{tracking.host(config, ground)} KUBE_MLFLOW_TRACKING_URI={tracking.INSIDE}"
        login = f"MLFLOW_TRACKING_USERNAME={project} MLFLOW_EXPERIMENT_NAME={project} MLFLOW_TRACKING_PASSWORD=…"
        head += f"# Before it: export {uri} {login}\n"
    restricted = ground.projects[project].pod_security == "restricted"
    return {
        "kubernetes_config.json": json.dumps(backend, indent=2) + "\n",
        file: head + yaml(job(config, project, stays=stays, restricted=restricted)),
    }


def job(config: Runai, project: str, *, stays: bool, restricted: bool) -> dict[str, Any]:
    """MLflow's template. In a restricted project its pods run as nobody; elsewhere as the image says."""
    labels = {places.QUEUE: project, **priority(config, stays=stays)}
    resources = {"limits": {"cpu": "1", "memory": "1Gi", RESOURCE: 1}, "requests": {"cpu": "1", "memory": "1Gi"}}
    own = {"securityContext": CONTAINER} if restricted else {}
    login = {"envFrom": found} if (found := tracking.env_from(config, project)) else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _NAME, "namespace": project, "labels": labels},
        "spec": {
            "ttlSecondsAfterFinished": versions.MLFLOW_KEPT,
            "backoffLimit": 0,
            "template": template(labels, {**_FILLED, **login, "resources": resources, **own}, nobody=restricted),
        },
    }
