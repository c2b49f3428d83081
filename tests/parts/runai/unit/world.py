"""A control plane, its client, and one object of each kind."""

from dataclasses import dataclass
from typing import Any

from components.platforms.runai.api import RunaiApi
from components.platforms.runai.clusters import ClusterKind
from components.platforms.runai.kinds import PoolKind, RuleKind, UserKind
from components.platforms.runai.orgs import DepartmentKind, ProjectKind
from components.rest.kind import Kind, ensure
from components.rest.retry import Patience
from tests.parts.runai.unit.control_plane import ADMIN, ControlPlane
from tests.unit.https import Server

CLUSTER = {"name": "site", "domain": "https://ai.site.example", "version": "3.0.0"}
ALL: list[tuple[type[Kind[Any]], dict[str, Any], str]] = [
    (ClusterKind, CLUSTER, "clusters"),
    (DepartmentKind, {"name": "research", "quotas": {"default": {"gpus": 4}}, "gpusElsewhere": 0}, "departments"),
    (ProjectKind, {"name": "vision", "quotas": {"default": {"gpus": 2}}, "gpusElsewhere": 0}, "projects"),
    (PoolKind, {"name": "a100", "labelKey": "site/pool", "labelValue": "a100"}, "node-pools"),
    (UserKind, {"email": "anna@site.example"}, "users"),
    (
        RuleKind,
        {"subject": ADMIN, "subjectType": "user", "role": "L1 researcher", "scopeType": "project", "scope": "7"},
        "access-rules",
    ),
]
IDS = [kind.__name__ for kind, _, _ in ALL]


@dataclass
class World:
    """A control plane and its client."""

    there: ControlPlane
    server: Server
    now: float = 0.0

    def client(self, **more: Any) -> RunaiApi:
        return RunaiApi(self.server.access(**more), Patience(60, lambda: self.now, self.sleep))

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def want(self, kind: type[Kind[Any]], want: dict[str, Any]) -> dict[str, Any]:
        """With the cluster that it is in."""
        if kind in {ClusterKind, UserKind, RuleKind}:
            return want
        uid = (
            next(iter(self.there.of.get("clusters", {})), None) or ensure(ClusterKind(), self.client(), CLUSTER, {}).id
        )
        return {**want, "cluster": uid}

    def only(self, path: str, name: str) -> dict[str, Any]:
        found = [each for each in self.there.of[path].values() if name in each.values()]
        assert len(found) == 1, found
        return found[0]
