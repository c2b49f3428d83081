"""MLflow's tracking server in the cluster, its users, and what each project's pods log in with.

Rows: R9.
"""

import re
from collections.abc import Callable, Mapping

import pulumi_kubernetes as k8s
from pulumi import Input, Output, Resource, ResourceHook, ResourceHookArgs

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts import chart
from components.parts.part import Ground
from components.platforms.runai import mlflow_users as users
from components.platforms.runai import tracking
from components.platforms.runai.config import Runai, Tracking
from components.platforms.runai.secrets import Keeper, UnfitSecretError
from components.rest.access import Access
from components.rest.resource import Api, Object

_PLAIN = re.compile(r"[A-Za-z0-9._~+=@-]{13,}")
_SKIP = {**FORCE, "pulumi.com/skipAwait": "true"}
"""A volume may be made only when a pod wants it."""


class Tracker:
    """Makes them, below Run:ai's component."""

    def __init__(
        self,
        name: str,
        config: Runai,
        of: Tracking,
        ground: Ground,
        cluster: ClusterRef,
        keeper: Keeper,
        secret: Callable[[str], Input[str]],
        *,
        parent: Resource,
    ) -> None:
        self._name, self._config, self._of, self._ground = f"{name}-mlflow", config, of, ground
        self._cluster, self._secret, self._parent = cluster, secret, parent
        self._keeper = keeper

    def open(self, access: Access, projects: Mapping[str, Resource]) -> None:
        """The server, then its users. `access`: how its API is reached; `projects` are Run:ai's, by name."""
        password = Output.from_input(self._secret(self._of.password_secret))
        release = self._release(password)
        api = Api.of(f"{self._name}-api", access, password, parent=self._parent, anchor=release)
        admin = _User(
            f"{self._name}-admin", api, users.MlflowAdminKind, tracking.ADMIN, password, self._parent, release
        )
        for project, name in self._of.projects.items():
            if project in projects:  # a check has named the others
                own = Output.from_input(self._secret(name))
                user = f"{self._name}-user-{project}"
                made = _User(user, api, users.MlflowUserKind, project, own, self._parent, admin)
                self._told(project, own, made, projects[project])

    def _release(self, password: Output[str]) -> Resource:
        data: dict[str, Input[str]] = {"username": tracking.ADMIN, "password": password}
        before = [
            self._keeper.plain("mlflow-login", tracking.NAMESPACE, tracking.ADMIN_SECRET, data),
            self._keeper.certificate("mlflow-tls", tracking.NAMESPACE, tracking.TLS),
            self._claim(),
        ]

        async def check(_: ResourceHookArgs) -> None:
            must_fit(await password.future() or "", self._of.password_secret)

        return self._cluster.release(
            self._parent,
            f"{self._name}-release",
            (tracking.NAMESPACE, tracking.RELEASE),
            chart.source(self._of.chart, self._of.version, self._of.repository),
            chart.merged(self._of.values, tracking.settings(self._config, self._ground)),
            *before,
            guard=ResourceHook(f"before-{self._name}", check),
        )

    def _claim(self) -> Resource:
        wanted = k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": self._of.size})
        return k8s.core.v1.PersistentVolumeClaim(
            f"{self._name}-data",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=tracking.CLAIM, namespace=tracking.NAMESPACE, annotations=_SKIP),
            spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteOnce"], storage_class_name=self._of.storage_class, resources=wanted
            ),
            opts=self._cluster.options(self._parent),
        )

    def _told(self, project: str, password: Output[str], user: Resource, there: Resource) -> None:
        """The project's pods get its variables from a Secret."""
        known = tracking.environment(project)
        k8s.core.v1.Secret(
            f"{self._name}-{project}",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=tracking.LOGIN, namespace=project, annotations=FORCE),
            string_data={**known, "MLFLOW_TRACKING_PASSWORD": password},
            opts=self._cluster.options(self._parent, user, there),
        )


class _User(Object, module="rest", name="MlflowUser"):
    """A user of the server; a changed password is changed there."""

    def __init__(
        self,
        name: str,
        api: Api,
        kind: type[users.MlflowUserKind],
        user: str,
        password: Output[str],
        parent: Resource,
        after: Resource,
    ) -> None:
        super().__init__(name, api, kind, users.want(user), parent=parent, after=[after], secret={"password": password})


def must_fit(password: str, name: str) -> None:
    """The administrator's password passes through the chart's own text of settings. Raises UnfitSecretError."""
    if not _PLAIN.fullmatch(password):
        text = "must be 13 signs or more, of A-Z a-z 0-9 - . _ ~ + = @ only: the server's chart breaks others"
        fix = f"Nothing was changed. Fix: pulumi config set --secret {name}, with another one"
        raise UnfitSecretError(f"the secret {name} (mlflow.server.passwordSecret) {text}. {fix}")
