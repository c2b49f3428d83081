"""Run:ai as a part (docs/parts/runai/how-to.md)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from components.host.config import Host
from components.hostrun.step import Step
from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import ClusterPart, Ground, HostPart, Hosts, Part, PodSecurity, Probe, Question, Wave
from components.parts.state import State
from components.platforms.runai import (
    checks,
    checks_cluster,
    checks_people,
    jump_box,
    kubeflow,
    mlflow,
    nodes,
    package,
    people,
    places,
    samples,
    steps,
    tracking,
    values,
)
from components.platforms.runai.config import Runai
from components.problem import Problem

_HERE = Path(__file__).parent
_QUESTIONS = _HERE / "questions"


def _notes(config: Runai, ground: Ground) -> Iterator[Problem]:
    own = (
        checks.certificate_notes(config),
        checks_cluster.cluster_notes(config, ground),
        kubeflow.notes(config, ground),
        package.notes(config, ground),
    )
    return chain(*own)


def _uses(config: Runai, hosts: Hosts) -> Sequence[str]:
    at_work = [*nodes.uses(config, hosts), *jump_box.uses(config, hosts), *package.uses(config, hosts)]
    return list(dict.fromkeys(at_work))


def _waves(config: Runai, hosts: Hosts) -> Sequence[Wave]:
    return [*package.waves(config, hosts), *jump_box.waves(config, hosts)]


def _prepare(config: Runai, host: Host, hosts: Hosts) -> Host:
    return jump_box.prepare(config, nodes.prepare(config, host, hosts))


def _preflight(config: Runai, host: Host, hosts: Hosts) -> Sequence[Step]:
    return [*steps.of_host(config, host, hosts), *jump_box.preflight(config, host)]


def _questions(config: Runai, ground: Ground) -> Sequence[Question]:
    """The control plane says that the cluster is connected, and the cluster has the projects' namespaces linked."""
    of = ground.config(Ingress)
    if of is None or config.state == "gone":
        return []
    addresses, port = plan.answers_at(of, ground)
    words = (places.BACKEND, places.API, str(port), *addresses)
    own = tuple(name for name, project in ground.projects.items() if project.members or project.groups)
    linked = [Question("bindings", _QUESTIONS / "bindings.sh", own)] if own else []
    return [Question("connected", _QUESTIONS / "connected.sh", words), *linked]


def _state(config: Runai, _: Ground) -> State | None:
    """Its database, where the chart brings it."""
    if config.state == "gone" or not values.own_database(config):
        return None
    return State(_HERE / "state.sh", (places.BACKEND, f"{places.DATABASE}-0"))


def _more_namespaces(config: Runai) -> Mapping[str, PodSecurity]:
    found: dict[str, PodSecurity] = {places.KNATIVE: "baseline"} if config.inference else {}
    return {**found, tracking.NAMESPACE: "restricted"} if tracking.server(config) else found


def _probes(config: Runai) -> Sequence[Probe]:
    found = [Probe("statefulset", places.DATABASE, places.BACKEND)]
    server = [Probe("deployment", tracking.RELEASE, tracking.NAMESPACE)] if tracking.server(config) else []
    return [*found, *server]


PART: Part[Runai] = Part(
    config=Runai,
    checks=checks.checks,
    notes=_notes,
    names=checks_people.names,
    needs=frozenset({"ingress", "gpu-pods", "monitoring", "storage:default"}),
    version=lambda config: (("version",), config.version),
    files=lambda config, ground: {**samples.files(config, ground), **mlflow.files(config, ground)},
    host=HostPart(
        uses=_uses, waves=_waves, prepare=_prepare, preflight=_preflight, drained=nodes.drained, fills=package.fills
    ),
    cluster=ClusterPart(
        namespaces={places.BACKEND: "baseline", places.NAMESPACE: "privileged"},
        more_namespaces=_more_namespaces,
        component="components.platforms.runai.component:RunAi",
        probes=_probes,
        preflight=steps.around,
        questions=_questions,
        state=_state,
        shares=people.shares,
        email_claims=people.email_claims,
        answers=lambda config, ground: [(("domain",), places.domain(config, ground))],
    ),
)
