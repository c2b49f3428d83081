"""Run:ai in the cluster: its control plane, then the cluster that is registered there, then who may have what of it.

Rows: R2, R3, R4.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pulumi_kubernetes as k8s
from pulumi import (
    ComponentResource,
    Input,
    Output,
    Resource,
    ResourceHook,
    ResourceHookArgs,
    ResourceOptions,
    log,
)

from components.delivery.component import brought
from components.hostrun.target import Target
from components.kubernetes.force import FORCE
from components.kubernetes.handle import Chart, ClusterRef
from components.parts import chart
from components.parts.ingress import plan
from components.parts.ingress.config import Ingress
from components.parts.monitoring.config import Monitoring
from components.parts.monitoring.there import must_be_there
from components.parts.part import Ground
from components.platforms.runai import diagnostics, objects, package, places, tracking, upgrade, values, versions
from components.platforms.runai.config import Runai
from components.platforms.runai.notebooks import Notebooks
from components.platforms.runai.residents import Residents
from components.platforms.runai.rivals import must_be_alone
from components.platforms.runai.secrets import Keeper, must_do
from components.platforms.runai.tracker import Tracker
from components.rest.access import Access
from components.rest.resource import Api

_SKIP = {**FORCE, "pulumi.com/skipAwait": "true"}
_CONTROL_PLANE = "control-plane"
_MINUTES = 15
"""How long a cluster may take to connect."""


async def must_have_room(ground: Ground, planes: Sequence[Target], release: str) -> None:
    """The cluster has no other Run:ai, and what others run for it. Raises RivalError, NoOperatorError."""
    await must_be_alone(planes, release)
    monitoring = ground.config(Monitoring)
    if monitoring is not None and monitoring.kind == "existing":
        await must_be_there(planes, release)


class RunAi(ComponentResource):
    """Secrets, the release of the control plane, its API, the registered cluster's release, then people."""

    def __init__(
        self,
        name: str,
        config: Runai,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:platforms:RunAi", name, {}, opts)
        self._name, self._config, self._ground, self._cluster = name, config, ground, cluster
        self._password = Output.from_input(secret(config.admin.password_secret))
        self._keeper = Keeper(name, config, self, cluster, secret)
        backend = self._control_plane()
        api = Api.of(f"{name}-api", self._access(), self._password, parent=self, anchor=backend)
        admin = objects.AdminPassword(
            f"{name}-admin", api, initial=sorted(versions.FIRST_PASSWORDS), parent=self, after=[backend]
        )
        registered = self._registered(api, admin)
        release = self._release(registered)
        self._asked(registered.uid)
        connected = objects.ClusterConnected(
            f"{name}-connected",
            api,
            cluster=registered.uid,
            version=config.version,
            limit=_MINUTES * 60,
            parent=self,
            after=[release],
        )
        projects = Residents(name, config, ground, api, registered.uid, parent=self).settle(connected)
        if config.kubeflow:
            Notebooks(name, config, config.kubeflow, ground, cluster, parent=self).open(projects)
        if of := tracking.server(config):
            Tracker(name, config, of, ground, cluster, self._keeper, secret, parent=self).open(
                self._of_mlflow(), projects
            )
        self.register_outputs({})

    def _registered(self, api: Api, admin: Resource) -> objects.ClusterRegistration:
        return objects.ClusterRegistration(
            f"{self._name}-cluster",
            api,
            cluster=self._name,
            domain=f"https://{places.domain(self._config, self._ground)}",
            version=self._config.version,
            uid=self._config.cluster_uid,
            parent=self,
            after=[admin],
        )

    def _access(self) -> Access:
        """How to speak to the API: through the control planes, at the ingress."""
        of = self._ground.config(Ingress)
        addresses, port = plan.answers_at(of, self._ground) if of else ([], 443)
        return Access(
            url=f"https://{places.domain(self._config, self._ground)}",
            server=f"{addresses[0]}:{port}" if addresses else None,
            ca=self._config.authority.read_text() if self._config.authority else None,
            username=self._config.admin.email,
            planes=tuple(self._cluster.planes),
            gone=self._config.state == "gone",
            if_gone=f"write state: gone for {self._name} in platforms",
        )

    def _of_mlflow(self) -> Access:
        """How to speak to MLflow's tracking server, in the same way."""
        return replace(
            self._access(),
            url=f"https://{tracking.host(self._config, self._ground)}",
            username=tracking.ADMIN,
            if_gone=f"take mlflow.server out of {self._name} in platforms",
        )

    def _control_plane(self) -> Resource:
        config = self._config
        before = self._keeper.of_control_plane()
        password = {"tenantsManager": {"config": {"adminPassword": self._password}}}
        wanted = chart.merged(config.control_plane.values, values.control_plane(config, self._ground))
        return self._cluster.release(
            self,
            f"{self._name}-{_CONTROL_PLANE}",
            (places.BACKEND, places.BACKEND),
            self._source("control_plane"),
            chart.merged(wanted, password),
            *before,
            guard=self._guard(_CONTROL_PLANE, places.BACKEND),
            jobs=True,
        )

    def _release(self, registered: objects.ClusterRegistration) -> Resource:
        config = self._config
        before = self._keeper.of_cluster()
        given: dict[str, object]
        if versions.at_least(config.version, versions.BOOTSTRAP):
            given = {"bootstrapToken": registered.secret}
        else:
            data: dict[str, Input[str]] = {"clientSecret": registered.secret}
            before.append(self._keeper.plain("client", places.NAMESPACE, places.CLIENT, data))
            given = {"existingSecret": places.CLIENT, "secretKeys": {"clientSecret": "clientSecret"}}
        wanted = chart.merged(config.cluster.values, values.cluster(config, self._ground))
        release = self._cluster.release(
            self,
            f"{self._name}-release",
            (places.NAMESPACE, places.CLUSTER),
            self._source("cluster"),
            chart.merged(wanted, {"controlPlane": given, "cluster": {"uid": registered.uid}}),
            registered,
            *before,
            guard=self._guard("release", places.CLUSTER),
            jobs=True,
        )
        self._star(release)
        return release

    def _source(self, key: str) -> Chart:
        """Where the chart of a release is: in the vendor's archive, or where the site says."""
        config, found = self._config, package.charts(self._config)
        if config.package and key in found:
            name, chart = f"{self._name}-{key.replace('_', '-')}-chart", (found[key], config.version)
            host = self._cluster.hosts[config.package.host]
            return brought(name, host, config.package, self._name, chart, parent=self)
        release, name = getattr(config, key), versions.CONTROL_PLANE if key == "control_plane" else versions.CLUSTER
        return values.source(config, release, name)

    def _star(self, release: Resource) -> None:
        """Names below the domain are workloads' own, each with its Ingress: this one brings their certificate."""
        name = f"*.{places.domain(self._config, self._ground)}"
        k8s.networking.v1.Ingress(
            f"{self._name}-star",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=places.STAR_INGRESS, namespace=places.NAMESPACE, annotations=_SKIP
            ),
            spec=k8s.networking.v1.IngressSpecArgs(
                ingress_class_name=plan.CLASS,
                rules=[k8s.networking.v1.IngressRuleArgs(host=name)],
                tls=[k8s.networking.v1.IngressTLSArgs(hosts=[name], secret_name=places.STAR_TLS)],
            ),
            opts=self._cluster.options(self, release),
        )

    def _asked(self, uid: Output[str]) -> None:
        """What `sitectl verify` logs in with, on a control plane."""
        data: dict[str, Input[str]] = {
            "name": places.domain(self._config, self._ground),
            "username": self._config.admin.email,
            "password": self._password,
            "authority": self._config.authority.read_text() if self._config.authority else "",
            "uid": uid,
        }
        self._keeper.plain("login", places.BACKEND, places.API, data)

    def _guard(self, which: str, release: str) -> ResourceHook:
        """Before a release is installed or upgraded: Run:ai takes the password, can go to the version, is alone, and
        finds the Prometheus Operator that others run.

        Before the control plane is installed, the vendor's diagnostics run; before it becomes another version, its
        database is saved.
        """

        async def check(args: ResourceHookArgs) -> None:
            must_do(await self._password.future() or "", self._config.admin.password_secret)
            old = str((args.old_inputs or {}).get("version", ""))
            upgrade.must_reach(old, self._config.version, self._name)
            planes = self._cluster.planes
            await must_have_room(self._ground, planes, release)
            if which == _CONTROL_PLANE and not args.old_inputs:
                await self._diagnosed()
            elif which == _CONTROL_PLANE:
                await upgrade.prepare(planes, self._config, old, name=self._name, tell=log.info)

        return ResourceHook(f"before-{self._name}-{which}", check)

    async def _diagnosed(self) -> None:
        if of := self._config.diagnostics:
            words = diagnostics.arguments(self._config, of, places.domain(self._config, self._ground) or "")
            await diagnostics.must_pass(self._cluster.planes, of, words)
