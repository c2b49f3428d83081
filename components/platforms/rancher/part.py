"""Rancher as a part (docs/parts/rancher/how-to.md)."""

from collections.abc import Sequence
from pathlib import Path

from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import ClusterPart, Ground, Part, Probe, Question
from components.platforms.rancher import checks, checks_people, people, places, samples
from components.platforms.rancher.config import Rancher

_QUESTIONS = Path(__file__).parent / "questions"


def _questions(config: Rancher, ground: Ground) -> Sequence[Question]:
    """It answers, and has put each namespace into its project."""
    of = ground.config(Ingress)
    if of is None or config.state == "gone":
        return []
    addresses, port = plan.answers_at(of, ground)
    words = (places.NAMESPACE, places.hostname(config, ground), str(port), *addresses)
    own = tuple(f"{name}={places.project(name)}" for name in people.projects(config, ground))
    within = [Question("projects", _QUESTIONS / "projects.sh", own)] if own else []
    return [Question("answers", _QUESTIONS / "answers.sh", words), *within]


PART: Part[Rancher] = Part(
    config=Rancher,
    checks=checks.checks,
    notes=checks_people.notes,
    names=checks_people.names,
    needs=frozenset({"ingress"}),
    uses=frozenset({"certificates", "gpu-pods"}),
    version=lambda config: (("version",), config.version),
    files=samples.files,
    cluster=ClusterPart(
        namespaces={places.NAMESPACE: "privileged"},
        component="components.platforms.rancher.component:RancherServer",
        probes=lambda _: (Probe("deployment", places.RELEASE, places.NAMESPACE),),
        answers=lambda config, ground: [(("hostname",), places.hostname(config, ground))],
        shares=people.shares,
        promises=lambda config, _: [(("personal", "gpus"), config.personal.gpus)] if config.personal else [],
        belongs=people.belongs,
        folders=people.folders,
        questions=_questions,
    ),
)
