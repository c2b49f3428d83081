"""Rancher in the cluster: its release, its first login, then people, projects and who may do what.

Rows: T5.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Output, Resource, ResourceHookBinding, ResourceOptions

from components.hostrun.hook import Call, Hook
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.part import Ground
from components.platforms.rancher import objects, people, places, values, volumes
from components.platforms.rancher.config import Rancher
from components.platforms.rancher.own import Own, free, room
from components.platforms.rancher.secrets import Keeper
from components.rest.access import Access
from components.rest.resource import Api
from components.tenancy.component import Tenancy
from components.tenancy.config import Project


class RancherServer(ComponentResource):
    """Secrets, the release, its API, settings; then users, projects, and each user's roles in them."""

    def __init__(
        self,
        name: str,
        config: Rancher,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:platforms:RancherServer", name, {}, opts)
        self._name, self._config, self._ground = name, config, ground
        self._cluster, self._secret = cluster, secret
        password = Output.from_input(secret(config.admin.password_secret))
        self._before = Hook(f"{name}-own")
        api = Api.of(f"{name}-api", self._access(), password, parent=self, anchor=cluster.anchor)
        release = self._release(objects.Leftovers(f"{name}-leftovers", api, parent=self))
        self._api = replace(api, anchor=release)
        admin = objects.AdminPassword(
            f"{name}-admin", self._api, bootstrap=secret(config.bootstrap_password_secret), parent=self, after=[release]
        )
        ready = [admin, *self._settings(admin)]
        users = {each: self._user(each, ready) for each in ground.users}
        self._volumes(self._residents(users, ready))
        self.register_outputs({})

    def _release(self, leftovers: Resource) -> Resource:
        config = self._config
        keeper = Keeper(self._name, config, self._ground, self, self._cluster, self._secret)
        first = Output.secret(self._secret(config.bootstrap_password_secret))
        wanted = chart.merged(config.values, values.values(config, self._ground))
        return self._cluster.release(
            self,
            f"{self._name}-release",
            (places.NAMESPACE, places.RELEASE),
            chart.source(config.chart, config.version, config.repository),
            {**wanted, "bootstrapPassword": first},
            leftovers,
            *keeper.all(),
            guard=keeper.guard(),
        )

    def _access(self) -> Access:
        """How to speak to the API: through the control planes, at the ingress."""
        of, config = self._ground.config(Ingress), self._config
        addresses, port = plan.answers_at(of, self._ground) if of else ([], 443)
        return Access(
            url=f"https://{places.hostname(config, self._ground)}",
            server=f"{addresses[0]}:{port}" if addresses else None,
            ca=config.authority.read_text() if config.authority else None,
            username=places.ADMIN,
            planes=tuple(self._cluster.planes),
            gone=config.state == "gone",
            if_gone=f"write state: gone for {self._name} in platforms",
        )

    def _settings(self, admin: Resource) -> list[Resource]:
        config = self._config
        typed = {"server-url": f"https://{places.hostname(config, self._ground)}"}
        if config.eula:
            typed["eula-agreed"] = f"{config.eula}T00:00:00.000Z"
        return [
            objects.Setting(
                f"{self._name}-setting-{name}", self._api, setting=name, value=value, parent=self, after=[admin]
            )
            for name, value in {**config.settings, **typed}.items()
        ]

    def _user(self, name: str, ready: list[Resource]) -> objects.User:
        of, config = people.user(self._config, name), self._config
        user = objects.User(
            f"{self._name}-user-{name}",
            self._api,
            username=name,
            of=of,
            password=self._secret(people.first_password(config, name) or ""),
            parent=self,
            after=ready,
        )
        objects.GlobalRoleBinding(
            f"{self._name}-role-{name}",
            user=name,
            uid=user.uid,
            role=of.global_role,
            options=self._own(f"{self._name}-role-{name}", Own("globalrolebindings", places.binding(name)), user),
        )
        return user

    def _own(self, resource: str, own: Own, *after: Resource, quota: Call | None = None) -> ResourceOptions:
        """Options of an object whose name must be free when it is made; `quota` waits before a change."""
        options = self._cluster.options(self, *after)
        made = partial(free, self._cluster.planes, own, pulumi.log.info)
        hook = [self._before.on(resource, made, quota)]
        options.hooks = ResourceHookBinding(before_create=[*hook], before_update=[*hook] if quota else None)
        return options

    def _project(self, name: str, of: Project, ready: Sequence[Resource]) -> objects.Project:
        spec, resource = people.spec(self._config, name, of), f"{self._name}-project-{name}"
        own = Own("projects", places.project(name), places.CLUSTER, places.backing(name))
        quota = partial(room, self._cluster.planes, name, people.limit(of), pulumi.log.info)
        options = self._own(resource, own, *ready, quota=quota)
        return objects.Project(resource, project=name, spec=spec, options=options)

    def _residents(self, users: Mapping[str, objects.User], ready: list[Resource]) -> list[Resource]:
        """Projects, and each member's role, which Rancher keeps in a namespace that it makes of the project.

        Returns what makes the namespaces of users' own projects.
        """
        config, ground = self._config, self._ground
        made: list[Resource] = []
        if own := people.personal(config, ground):
            shares, options = people.personal_shares(config, ground), ResourceOptions(parent=self)
            ready_for = replace(self._cluster, ready=(*self._cluster.ready, *ready))
            tenancy = f"{self._name}-personal"
            made = [Tenancy(tenancy, own, ground.subjects, cluster=ready_for, shares=shares, opts=options)]
        # After the namespaces: Rancher takes no quota of a project below what its namespaces have.
        after = [*ready, *made]
        projects = {name: self._project(name, of, after) for name, of in people.projects(config, ground).items()}
        for each in people.memberships(config, ground):
            resource = f"{self._name}-{each.project}-member-{each.user}"
            binding = Own("projectroletemplatebindings", places.binding(each.user), places.backing(each.project))
            objects.ProjectRoleBinding(
                resource,
                project=each.project,
                user=each.user,
                uid=users[each.user].uid,
                role=each.role,
                options=self._own(resource, binding, projects[each.project], users[each.user]),
            )
        return made

    def _volumes(self, after: list[Resource]) -> None:
        of = self._config.volumes
        if of is None:
            return
        for project in people.projects(self._config, self._ground):
            resource = f"{self._name}-volume-{project}"
            own = Own("persistentvolumes", project, group="")
            made = k8s.core.v1.PersistentVolume(
                resource,
                **volumes.volume(of, project),
                opts=self._anew(self._own(resource, own), "spec.nfs", "spec.claimRef"),
            )
            # A volume that is made anew takes its claim along: a bound one would wait for it for ever.
            resource = f"{self._name}-claim-{project}"
            own = Own("persistentvolumeclaims", places.CLAIM, project, group="")
            options = self._anew(self._own(resource, own, made, *after), "spec")
            # Kubernetes changes the size of no static claim; NFS bounds none.
            options.ignore_changes = ["spec.resources"]
            k8s.core.v1.PersistentVolumeClaim(resource, **volumes.claim(of, project, made.metadata.name), opts=options)

    @staticmethod
    def _anew(options: ResourceOptions, *properties: str) -> ResourceOptions:
        """Options of an object that Kubernetes lets nobody change in these properties."""
        options.replace_on_changes, options.delete_before_replace = list(properties), True
        return options
