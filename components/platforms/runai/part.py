"""Run:ai as a part (docs/parts/runai/how-to.md)."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import ClusterPart, Ground, HostPart, Part, Probe, Question
from components.platforms.runai import checks, checks_cluster, checks_people, nodes, package, people, places, steps
from components.platforms.runai.config import Runai
from components.problem import Problem

_QUESTIONS = Path(__file__).parent / "questions"


def _notes(config: Runai, ground: Ground) -> Iterator[Problem]:
    own = (
        checks.certificate_notes(config),
        checks_cluster.cluster_notes(config, ground),
        package.notes(config, ground),
    )
    return chain(*own)


def _questions(config: Runai, ground: Ground) -> Sequence[Question]:
    """The control plane says that the cluster is connected."""
    of = ground.config(Ingress)
    if of is None or config.state == "gone":
        return []
    addresses, port = plan.answers_at(of, ground)
    words = (places.BACKEND, places.API, str(port), *addresses)
    return [Question("connected", _QUESTIONS / "connected.sh", words)]


PART: Part[Runai] = Part(
    config=Runai,
    checks=checks.checks,
    notes=_notes,
    names=checks_people.names,
    needs=frozenset({"ingress", "gpu-pods", "monitoring", "storage:default"}),
    version=lambda config: (("version",), config.version),
    host=HostPart(
        uses=lambda config, hosts: [*dict.fromkeys((*nodes.uses(config, hosts), *package.uses(config, hosts)))],
        waves=package.waves,
        prepare=nodes.prepare,
        preflight=steps.of_host,
        fills=package.fills,
    ),
    cluster=ClusterPart(
        namespaces={places.BACKEND: "baseline", places.NAMESPACE: "privileged"},
        more_namespaces=lambda config: {places.KNATIVE: "baseline"} if config.inference else {},
        component="components.platforms.runai.component:RunAi",
        probes=lambda _: (Probe("statefulset", places.DATABASE, places.BACKEND),),
        preflight=steps.around,
        questions=_questions,
        shares=people.shares,
    ),
)
