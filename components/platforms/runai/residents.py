"""Who has what of Run:ai: node pools, departments, projects, users, and their roles, by its API.

Rows: R6.
"""

from collections.abc import Mapping

from pulumi import Output, Resource

from components.parts.part import Ground
from components.platforms.runai import nodes, objects, people
from components.platforms.runai.config import Runai
from components.rest.resource import Api


class Residents:
    """Makes the objects, each after those that it is in."""

    def __init__(
        self, name: str, config: Runai, ground: Ground, api: Api, cluster: Output[str], *, parent: Resource
    ) -> None:
        self._name, self._config, self._ground, self._api = name, config, ground, api
        self._cluster, self._parent = cluster, parent
        self._projects: dict[str, objects.Project] = {}

    def settle(self, connected: Resource) -> Mapping[str, Resource]:
        """All of them, once the cluster is connected; returns the projects by name."""
        pools = [self._pool(name, connected) for name in self._config.node_pools]
        after = [connected, *pools]
        wanted = people.departments(self._config, self._ground)
        departments = {name: self._department(name, pools_of, after) for name, pools_of in wanted.items()}
        for name in self._ground.projects:
            self._projects[name] = self._project(name, departments, after)
        users = {email: self._user(name, email, connected) for name, email in self._people()}
        for resource, access in people.accesses(self._config, self._ground):
            self._rule(resource, access, users.get(access.subject, connected))
        return self._projects

    def _people(self) -> list[tuple[str, str]]:
        return list(people.members(self._config, self._ground).items())

    def _pool(self, name: str, connected: Resource) -> Resource:
        return objects.NodePool(
            f"{self._name}-pool-{name}",
            self._api,
            pool=name,
            cluster=self._cluster,
            label_key=nodes.POOL,
            label_value=name,
            gpu_placement=self._config.node_pools[name].gpu_placement,
            parent=self._parent,
            after=[connected],
        )

    def _department(self, name: str, pools: people.Pools, after: list[Resource]) -> objects.Department:
        return objects.Department(
            f"{self._name}-department-{name}",
            self._api,
            department=name,
            cluster=self._cluster,
            quotas=_quotas(pools),
            parent=self._parent,
            after=after,
        )

    def _project(self, name: str, departments: dict[str, objects.Department], after: list[Resource]) -> objects.Project:
        pools = people.project_pools(self._config, name, self._ground)
        return objects.Project(
            f"{self._name}-project-{name}",
            self._api,
            project=name,
            cluster=self._cluster,
            department=departments[people.share(self._config, name).department].uid,
            namespace=name,
            quotas=_quotas(pools),
            enforce_scheduler=True,
            pools=tuple(pools),
            parent=self._parent,
            after=after,
        )

    def _user(self, name: str, email: str, connected: Resource) -> Resource:
        return objects.PlatformUser(
            f"{self._name}-user-{name}", self._api, email=email, parent=self._parent, after=[connected]
        )

    def _rule(self, resource: str, access: people.Access, user: Resource) -> None:
        project = self._projects.get(access.scope)
        objects.AccessRule(
            f"{self._name}-{resource}",
            self._api,
            subject=access.subject,
            subject_type=access.kind,
            role=access.role,
            scope_type="project" if project else "cluster",
            scope=project.uid if project else self._cluster,
            cluster=self._cluster,
            parent=self._parent,
            after=[user],
        )


def _quotas(pools: people.Pools) -> list[objects.Quota]:
    return [
        objects.Quota(pool=name, gpus=quota.gpus, gpu_limit=quota.limit, gpu_weight=quota.over_quota)
        for name, quota in pools.items()
    ]
