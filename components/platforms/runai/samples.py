"""Jobs to begin with, for the people of each project: one for each thing that the scheduler does, as its version wants
it said. Pure.

Rows: R11.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML

from components.gpu.pods import RESOURCE
from components.parts.part import Ground
from components.platforms.runai import places, versions
from components.platforms.runai.config import Runai
from components.platforms.runai.tracking import env_from

CLASS = "priorityClassName"
PREEMPTIBILITY = "kai.scheduler/preemptibility"
FRACTION, MEMORY, DEVICES = "gpu-fraction", "gpu-memory", "gpu-fraction-num-devices"
LIMIT, OLD_LIMIT = "gpu-fraction.limit", "RUNAI_GPU_MEMORY_LIMIT"
TOGETHER = "kai.scheduler/batch-min-member"

CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
"""With this a pod is let into every project, whatever its podSecurity."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One job, and what it shows."""

    name: str
    says: str
    gpus: int = 0
    """Whole GPUs of each pod."""
    pods: int = 1
    stays: bool = False
    """It is not stopped for others, and gets no more than the project deserves."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Annotations of its pods."""
    together: bool = False
    """No pod starts before there is room for all."""
    env: Mapping[str, str] = field(default_factory=dict)


def files(config: Runai, ground: Ground) -> dict[str, str]:
    """By path: the jobs of each project."""
    return {
        f"jobs/{project}/{sample.name}.yaml": text(sample, config, project)
        for project in ground.projects
        for sample in wanted(config)
    }


def wanted(config: Runai) -> Iterator[Sample]:
    """The jobs that this version and these settings let run."""
    yield Sample(
        "batch",
        "Waits for a GPU, also an idle one of another project, and is stopped when that one wants it back.",
        gpus=1,
    )
    yield Sample(
        "interactive",
        "Is not stopped for others. It gets what the project deserves, or waits.",
        gpus=1,
        stays=True,
    )
    if versions.at_least(config.version, versions.GANG_OF_JOB):
        yield Sample("gang", "Two pods with a GPU each that start together, or wait together.", 1, 2, together=True)
    if config.scheduling.fractions:
        yield from _fractions(config)


def _fractions(config: Runai) -> Iterator[Sample]:
    yield Sample("fraction", "Half of a GPU's memory. Do not write nvidia.com/gpu beside it.", notes={FRACTION: "0.5"})
    yield Sample("memory", "4096 MiB of a GPU's memory.", notes={MEMORY: "4096"})
    two = {FRACTION: "0.5", DEVICES: "2"}
    yield Sample("fraction-of-two", "Half of each of two GPUs, in one pod.", notes=two)
    if config.scheduling.dynamic_fractions is False:
        return
    says = "Half of a GPU's memory, and up to nine tenths while nobody else wants it."
    new = versions.at_least(config.version, versions.FRACTION_LIMIT)
    notes, env = ({LIMIT: "0.9"}, {}) if new else ({}, {OLD_LIMIT: "0.9"})
    yield Sample("fraction-limit", says, notes={FRACTION: "0.5", **notes}, env=env)


def priority(config: Runai, *, stays: bool) -> dict[str, str]:
    """The labels by which a workload says how it stands to others; none is what trains, and may be stopped."""
    if not versions.at_least(config.version, versions.PREEMPTIBILITY):
        return {CLASS: "build"} if stays else {}
    return {CLASS: "high", PREEMPTIBILITY: "non-preemptible"} if stays else {PREEMPTIBILITY: "preemptible"}


def job(sample: Sample, config: Runai, project: str) -> dict[str, Any]:
    """The object as the API server takes it."""
    labels = {places.QUEUE: project, **priority(config, stays=sample.stays)}
    own = {TOGETHER: str(sample.pods)} if sample.together else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": sample.name, "namespace": project, "labels": labels, **_given(annotations=own)},
        "spec": {
            "backoffLimit": 0,
            "parallelism": sample.pods,
            "completions": sample.pods,
            "template": template(labels, _container(sample, env_from(config, project)), sample.notes),
        },
    }


def template(
    labels: Mapping[str, str],
    container: Mapping[str, Any],
    notes: Mapping[str, str] | None = None,
    *,
    nobody: bool = True,
) -> dict[str, Any]:
    """The pods of a project's job, which Run:ai's scheduler places. `nobody`: they run as that user."""
    own = {"securityContext": POD} if nobody else {}
    return {
        "metadata": {"labels": {**labels}, **_given(annotations=dict(notes or {}))},
        "spec": {
            "schedulerName": places.SCHEDULER,
            "restartPolicy": "Never",
            **own,
            "containers": [container],
        },
    }


def _container(sample: Sample, from_: list[dict[str, Any]]) -> dict[str, Any]:
    whole = {RESOURCE: sample.gpus} if sample.gpus else {}
    env = [{"name": name, "value": value} for name, value in sample.env.items()]
    return {
        "name": "work",
        "image": versions.SAMPLE_IMAGE,
        **_given(env=env, envFrom=from_),
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi", **whole}},
        "securityContext": CONTAINER,
    }


def _given(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - lists and maps
    return {key: value for key, value in values.items() if value}


def text(sample: Sample, config: Runai, project: str) -> str:
    """The file: what it shows, how to submit it, the object."""
    use = f"For Run:ai {versions.line(config.version)}. Write your own image, then: kubectl create -f FILE"
    return f"# {sample.says}\n# {use}\n{yaml(job(sample, config, project))}"


def yaml(body: Mapping[str, Any]) -> str:
    """An object as a file for kubectl."""
    out, writer = io.StringIO(), YAML()
    writer.default_flow_style = False
    writer.width = 4096
    writer.dump(body, out)
    return out.getvalue()
