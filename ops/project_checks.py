"""Each project in the cluster, for `sitectl verify`: members get in, everybody else does not.

The API server itself is asked, by SubjectAccessReviews: they are answered and not kept.

Rows: S4, M3.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.hostrun.report import Check, Status
from components.model import amount
from components.tenancy.config import Project
from ops.in_cluster import Kubectl
from ops.record import MEND
from stacks.ground import ground
from stacks.model import Site

NOBODY = "gpu-metal:nobody"
"""A user whom no site has."""
ORDER = ("ok", "note", "failed")
OTHERS = 3
"""So many users of other projects are asked about, in each project."""


@dataclass(frozen=True)
class Question:
    """Whether somebody may do something in a project."""

    project: str
    kind: str
    """member or stranger."""
    who: str
    verb: str
    resource: str

    @property
    def review(self) -> dict[str, Any]:
        """As the API server is asked."""
        asked = {"namespace": self.project, "verb": self.verb, "resource": self.resource}
        spec = {"user": self.who, "groups": ["system:authenticated"], "resourceAttributes": asked}
        return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


async def ask(site: Site, kubectl: Kubectl) -> list[Check]:
    """Two checks of each project: `project/NAME/member` and `project/NAME/stranger`. Raises Stop."""
    called = ground(site).subjects
    questions = [each for name, project in site.projects.items() for each in _questions(called, name, project)]
    if not questions:
        return []
    reviews = json.dumps({"apiVersion": "v1", "kind": "List", "items": [each.review for each in questions]})
    path = r'jsonpath={.status.allowed}{"\n"}'
    lines = (await kubectl.run("create", "-f", "-", "-o", path, stdin=reviews)).splitlines()
    answers = {question: line == "true" for question, line in zip(questions, lines, strict=True)}
    found: dict[tuple[str, str], Check] = {}
    for question, allowed in answers.items():
        check = _check(kubectl.target.name, question, allowed=allowed)
        key = question.project, question.kind
        if key not in found or ORDER.index(check.status) > ORDER.index(found[key].status):
            found[key] = check
    return list(found.values())


def _questions(called: Mapping[str, str], name: str, project: Project) -> Iterator[Question]:
    does = ("create", "pods") if project.role == "edit" else ("list", "pods")
    members = [called[member] for member in project.members]
    yield from (Question(name, "member", who, *does) for who in members)
    others = [subject for other, subject in called.items() if other not in project.members]
    for who in (NOBODY, *others[:OTHERS]):
        yield Question(name, "stranger", who, "list", "pods")
        yield Question(name, "stranger", who, "get", "secrets")


def _check(where: str, question: Question, *, allowed: bool) -> Check:
    id_ = f"project/{question.project}/{question.kind}"
    may = f"{question.who} may {'' if allowed else 'not '}{question.verb} {question.resource} in {question.project}"
    if allowed == (question.kind == "member"):
        return Check(id_, where, "ok", may)
    if question.kind == "member":
        return Check(id_, where, "failed", f"{may}.", fix=MEND)
    see = "on a control plane: kubectl get rolebindings,clusterrolebindings -A -o wide"
    # A user of the site may well be let in on purpose, as an administrator of the cluster.
    status: Status = "failed" if question.who == NOBODY else "note"
    return Check(id_, where, status, f"{may}, and is no member.", fix=see)


def fits(where: str, site: Site, nodes: Iterable[Mapping[str, str]]) -> Iterator[Check]:
    """`project/NAME/fits`: what its quota promises is there at all. `nodes` have what each has for pods."""
    there = [{what: amount(each.get(what, "0")) for what in ("cpu", "memory")} for each in nodes]
    for name, project in site.projects.items():
        bounds = {"cpu": project.cpu, "memory": project.memory}
        over = [f"{what} is {value}" for what, value in bounds.items() if value and amount(value) > _sum(there, what)]
        id_ = f"project/{name}/fits"
        if over:
            has = f"cpu {_sum(there, 'cpu'):g} and memory {_sum(there, 'memory') / 1024**3:.0f}Gi"
            saw = f"its quota of {' and of '.join(over)}, and all nodes together have {has} for pods."
            yield Check(id_, where, "failed", saw, fix=f"write no more than that under projects.{name}, or add hosts")
        else:
            yield Check(id_, where, "ok", "the nodes have its quota")


def _sum(nodes: Iterable[Mapping[str, float]], what: str) -> float:
    return sum(each[what] for each in nodes)
