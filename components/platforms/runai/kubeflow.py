"""Kubeflow's users in Run:ai: each has a project that is called like the namespace of the own profile. Pure.

Kubeflow takes over a namespace that is there already if its annotation `owner` is the profile's owner (Reconcile of
its profile-controller).

Rows: R10.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.parts.part import Ground
from components.platforms.runai.config import Runai
from components.platforms.runai.samples import FRACTION
from components.problem import Problem

PREFIX = "kubeflow-"
"""Kubeflow's convention: `kubeflow-USER` is the user's profile and its namespace."""
OWNER = "owner"
WHOLE = "runai-non-fractional"
"""The guide's name of the configuration for whole GPUs."""


def projects(config: Runai) -> dict[str, str]:
    """The site's user by the name of the project that is the user's profile."""
    return {f"{PREFIX}{user}": user for user in config.kubeflow.users} if config.kubeflow else {}


def annotations(config: Runai, project: str, ground: Ground) -> Mapping[str, str]:
    """What the project's namespace has so that Kubeflow takes it as the profile's."""
    user = ground.users.get(projects(config).get(project, ""))
    return {OWNER: user.email} if user and user.email else {}


def pod_defaults(config: Runai, project: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and `spec` of each configuration that a notebook's form offers: Run:ai's project, and a part of a GPU.

    The guide's variables are for releases of its time; later ones read the annotation.
    """
    named = [{"name": "RUNAI_PROJECT", "value": project}]
    yield WHOLE, _spec(WHOLE, "Use Run:ai scheduler (whole GPUs)", named)
    for name, part in (config.kubeflow.fractions if config.kubeflow else {}).items():
        says = f"Allocate {part:g} GPUs via Run:ai scheduler"
        env = [*named, {"name": "RUNAI_GPU_FRACTION", "value": f"{part:g}"}]
        yield name, {**_spec(name, says, env), "annotations": {FRACTION: f"{part:g}"}}


def _spec(name: str, says: str, env: list[dict[str, str]]) -> dict[str, Any]:
    return {"desc": says, "env": env, "selector": {"matchLabels": {name: "true"}}}


def kubeflow_users(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Each of Kubeflow's users is one of the site, with the project that is the own profile."""
    for index, name in enumerate(config.kubeflow.users if config.kubeflow else ()):
        key, project = ("kubeflow", "users", index), f"{PREFIX}{name}"
        if name not in ground.users:
            yield Problem(key, f"{name} is not one of users. Write it there, or not here.")
        elif project not in ground.projects:
            text = f"{name}'s profile is the project {project}, which is not there. Write projects:"
            yield Problem(key, f"{text} {{{project}: {{gpus: 1, members: [{name}]}}}}.")
        elif name not in ground.projects[project].members:
            text = f"lack {name}, whose profile it is. Write {name} there too, or not in kubeflow.users of Run:ai."
            yield Problem(("projects", project, "members"), text, elsewhere=True)


def kubeflow_fractions(config: Runai, _: Ground) -> Iterator[Problem]:
    """Parts of GPUs are offered where they work, under names of their own."""
    offered = config.kubeflow.fractions if config.kubeflow else {}
    if offered and not config.scheduling.fractions:
        text = "are offered, and scheduling.fractions is off. Write scheduling: {fractions: true}, or none here."
        yield Problem(("kubeflow", "fractions"), text)
    if WHOLE in offered:
        yield Problem(("kubeflow", "fractions", WHOLE), "is the name of the configuration for whole GPUs. Use another.")


CHECKS: tuple[Callable[[Runai, Ground], Iterator[Problem]], ...] = (kubeflow_users, kubeflow_fractions)


def notes(config: Runai, ground: Ground) -> Iterator[Problem]:
    """What is allowed of Kubeflow and yet worth a line."""
    for project in projects(config):
        level = ground.projects[project].pod_security if project in ground.projects else "privileged"
        if level != "privileged":
            text = f"is {level}: it refuses the first container that Istio gives to notebooks. Let Istio have its CNI"
            yield Problem(
                ("projects", project, "podSecurity"), f"{text} plugin, which needs none; or write privileged.", True
            )
