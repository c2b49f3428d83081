"""Run:ai's objects as resources of the site. How they are found, made and compared: kinds.py, orgs.py, clusters.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Required, TypedDict, Unpack

from pulumi import Input, Output, Resource

from components.platforms.runai.clusters import ClusterKind, ConnectedKind
from components.platforms.runai.kinds import AdminKind, PoolKind, RuleKind, UserKind
from components.platforms.runai.orgs import NO_LIMIT, DepartmentKind, ProjectKind
from components.rest.resource import Api, Object

Strategy = Literal["spread", "binpack"]


class Place(TypedDict, total=False):
    """Where a resource belongs: its parent, which is needed, and what it waits for."""

    parent: Required[Resource]
    after: Sequence[Resource]


@dataclass(frozen=True, slots=True)
class Quota:
    """What a department or a project has of one node pool. None: not compared and not changed, but for `gpu_limit`."""

    pool: str
    """The pool's name."""
    gpus: float = 0
    """GPUs that it deserves."""
    gpu_limit: float | None = None
    """GPUs that it can have at most; None: no limit."""
    gpu_weight: int | None = None
    """Its share of GPUs that others leave free."""

    def want(self) -> dict[str, Any]:
        """As the kinds have it."""
        limit = NO_LIMIT if self.gpu_limit is None else self.gpu_limit
        return _given({"gpus": self.gpus, "gpuLimit": limit, "gpuWeight": self.gpu_weight})


class AdminPassword(Object, module="rest", name="RunaiAdminPassword"):
    """The password of the API's user is the site's: it is changed from the last one, or from one of `initial`."""

    def __init__(self, name: str, api: Api, *, initial: Sequence[Input[str]] = (), **place: Unpack[Place]) -> None:
        secret = {"password": api.password, "initial": list(initial)}
        super().__init__(name, api, AdminKind, {"username": api.username}, secret=secret, **place)


class ClusterRegistration(Object, module="rest", name="RunaiCluster"):
    """The site's cluster in the control plane. `uid` pins it; another `version` gets a new `secret`."""

    secret: Output[str]
    """bootstrapToken of 3.x, which ends after 2 hours, or clientSecret of 2.x."""
    chartRepository: Output[str]  # noqa: N815 - Pulumi's names

    def __init__(
        self,
        name: str,
        api: Api,
        *,
        cluster: str,
        domain: str,
        version: str,
        uid: str | None = None,
        **place: Unpack[Place],
    ) -> None:
        want = {"name": cluster, "domain": domain, "version": version, "uid": uid}
        super().__init__(name, api, ClusterKind, want, **place)


class ClusterConnected(Object, module="rest", name="RunaiConnected"):
    """Waits up to `limit` seconds until the cluster is connected, at first and at each new `version`."""

    def __init__(
        self, name: str, api: Api, *, cluster: Input[str], version: str, limit: int = 900, **place: Unpack[Place]
    ) -> None:
        want = {"cluster": cluster, "version": version, "limit": limit, "state": "Connected"}
        super().__init__(name, api, ConnectedKind, want, **place)


class NodePool(Object, module="rest", name="RunaiNodePool"):
    """The nodes with a label."""

    def __init__(
        self,
        name: str,
        api: Api,
        *,
        pool: str,
        cluster: Input[str],
        label_key: str,
        label_value: str,
        gpu_placement: Strategy | None = None,
        **place: Unpack[Place],
    ) -> None:
        want: dict[str, Any] = {"name": pool, "cluster": cluster, "labelKey": label_key, "labelValue": label_value}
        want["placementStrategy"] = {"gpu": gpu_placement} if gpu_placement else None
        super().__init__(name, api, PoolKind, want, **place)


class Department(Object, module="rest", name="RunaiDepartment"):
    """A department with its quotas. In pools that these do not name, it has none."""

    def __init__(
        self,
        name: str,
        api: Api,
        *,
        department: str,
        cluster: Input[str],
        quotas: Sequence[Quota],
        pools: Sequence[str] | None = None,
        **place: Unpack[Place],
    ) -> None:
        want = {"name": department, "cluster": cluster, **_common(quotas, pools)}
        super().__init__(name, api, DepartmentKind, want, **place)


class Project(Object, module="rest", name="RunaiProject"):
    """A project with its quotas. In pools that these do not name, it has none."""

    namespace: Output[str]

    def __init__(  # noqa: PLR0913 - each is a setting
        self,
        name: str,
        api: Api,
        *,
        project: str,
        cluster: Input[str],
        department: Input[str],
        quotas: Sequence[Quota],
        namespace: str | None = None,
        enforce_scheduler: bool | None = None,
        pools: Sequence[str] | None = None,
        **place: Unpack[Place],
    ) -> None:
        want = {"name": project, "cluster": cluster, **_common(quotas, pools)}
        want |= {"department": department, "namespace": namespace, "enforceRunaiScheduler": enforce_scheduler}
        super().__init__(name, api, ProjectKind, want, **place)


class PlatformUser(Object, module="rest", name="RunaiUser"):
    """A local user; `password` is its first one, empty where the user was there before."""

    password: Output[str]

    def __init__(self, name: str, api: Api, *, email: str, **place: Unpack[Place]) -> None:
        super().__init__(name, api, UserKind, {"email": email}, **place)


class AccessRule(Object, module="rest", name="RunaiAccessRule"):
    """A role, by its name, of a user, group or service account in a scope, by its id."""

    def __init__(
        self,
        name: str,
        api: Api,
        *,
        subject: Input[str],
        subject_type: Literal["user", "group", "service-account"],
        role: str,
        scope_type: Literal["tenant", "cluster", "department", "project"],
        scope: Input[str],
        cluster: Input[str] | None = None,
        **place: Unpack[Place],
    ) -> None:
        want = {"subject": subject, "subjectType": subject_type, "role": role, "cluster": cluster}
        want |= {"scopeType": scope_type, "scope": scope}
        super().__init__(name, api, RuleKind, want, **place)


def _common(quotas: Sequence[Quota], pools: Sequence[str] | None) -> dict[str, Any]:
    return {
        "quotas": {quota.pool: quota.want() for quota in quotas},
        "gpusElsewhere": 0,
        "defaultNodePools": list(pools) if pools is not None else None,
    }


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
