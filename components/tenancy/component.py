"""Projects: a namespace each, with quotas, limit range, network policy and a role for its members.

Rows: X14, S4, S5.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Alias, ComponentResource, Resource, ResourceOptions

from components.hostrun.hook import Hook
from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef, before
from components.tenancy import images
from components.tenancy.config import Limits, Project, Share
from components.tenancy.namespace import free

_NONE: Mapping[str, Share] = {}
_ANY = images.Allowed()
_NOTHING: Mapping[str, str] = {}


class Tenancy(ComponentResource):
    """Six Kubernetes objects a project, five without members; none needs a delete of its own when the cluster goes.

    Of a project that is taken out, the role binding is deleted. Its namespace stays, because volume claims and what
    people made are in it, and so does what bounds the pods that still run there (ADR 26).
    """

    def __init__(
        self,
        name: str,
        projects: Mapping[str, Project],
        subjects: Mapping[str, str],
        *,
        cluster: ClusterRef,
        bounds: Sequence[str] = (),
        shares: Mapping[str, Share] = _NONE,
        allowed: images.Allowed = _ANY,
        opts: ResourceOptions | None = None,
    ) -> None:
        """`subjects` are what the API server calls each user; `bounds` are keys of a quota that are bounded as
        nvidia.com/gpu is; `shares` what parts make of projects; `allowed` where images in projects may come from."""
        # A project was called a tenant once: the same resource, whose children keep their names.
        former = ResourceOptions(aliases=[Alias(name="tenants")])
        super().__init__("gpu-metal:tenancy:Tenancy", name, {}, ResourceOptions.merge(opts, former))
        self._bounds = ("requests.nvidia.com/gpu", *bounds)
        if allowed.registries:
            self._images(f"{name}-images", allowed, cluster)
        hook = Hook(f"{name}-namespace")
        for project_name, project in projects.items():
            share = shares.get(project_name, Share(project.gpus))
            namespace = self._namespace(project_name, project, share, cluster, hook)
            bounded = project.model_copy(update={"gpus": share.gpus})
            self._inside(project_name, bounded, subjects, cluster, namespace)
        self.register_outputs({})

    def _images(self, name: str, allowed: images.Allowed, cluster: ClusterRef) -> None:
        listed = {images.LISTED: " ".join(allowed.registries)}
        _policy(self, name, images.NAME, images.policy(allowed), cluster, listed)
        if allowed.belongs:
            _policy(self, f"{name}-kept", images.KEPT, images.kept(allowed.belongs), cluster)

    def _namespace(self, name: str, project: Project, share: Share, cluster: ClusterRef, hook: Hook) -> Resource:
        options = _kept(cluster.options(self))
        before(options, hook.on(name, partial(free, cluster.planes, name)), update=False)
        labels, notes = {**_labels(project), **share.labels}, {**share.annotations, **FORCE}
        metadata = k8s.meta.v1.ObjectMetaArgs(name=name, labels=labels, annotations=notes)
        return k8s.core.v1.Namespace(name, metadata=metadata, opts=options)

    def _inside(
        self, name: str, project: Project, subjects: Mapping[str, str], cluster: ClusterRef, namespace: Resource
    ) -> None:
        inside = _kept(cluster.options(self, namespace))
        metadata = k8s.meta.v1.ObjectMetaArgs(name=OBJECT, namespace=name, annotations=FORCE)
        hard = quota(project, self._bounds)
        k8s.core.v1.ResourceQuota(
            f"{name}-quota", metadata=metadata, spec=k8s.core.v1.ResourceQuotaSpecArgs(hard=hard), opts=inside
        )
        no_system = k8s.meta.v1.ObjectMetaArgs(name=NO_SYSTEM_PRIORITY, namespace=name, annotations=FORCE)
        k8s.core.v1.ResourceQuota(f"{name}-priority", metadata=no_system, spec=_NO_SYSTEM_PRIORITY, opts=inside)
        k8s.core.v1.LimitRange(
            f"{name}-limits",
            metadata=metadata,
            spec=k8s.core.v1.LimitRangeSpecArgs(limits=[_defaults(project.limits)]),
            opts=inside,
        )
        k8s.networking.v1.NetworkPolicy(f"{name}-network", metadata=metadata, spec=_NETWORK, opts=inside)
        if holders := _holders(project, subjects):
            k8s.rbac.v1.RoleBinding(
                f"{name}-edit",
                metadata=metadata,
                role_ref=k8s.rbac.v1.RoleRefArgs(api_group=_RBAC, kind="ClusterRole", name=project.role),
                subjects=holders,
                opts=cluster.options(self, namespace),
            )


def _policy(
    parent: Resource,
    name: str,
    policy: str,
    said: Mapping[str, Any],
    cluster: ClusterRef,
    notes: Mapping[str, str] = _NOTHING,
) -> None:
    """The binding comes last and leaves first: without its policy, one refuses nothing and warns of everything."""
    spec: Any = said
    binding: Any = images.binding(policy)
    made = k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=policy, annotations={**notes, **FORCE}),
        spec=spec,
        opts=cluster.options(parent),
    )
    k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        f"{name}-binding",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=policy, annotations=FORCE),
        spec=binding,
        opts=cluster.options(parent, made),
    )


def _kept(options: ResourceOptions) -> ResourceOptions:
    options.retain_on_delete = True
    return options


OBJECT = "project"
"""The name of the objects in each namespace."""
NO_SYSTEM_PRIORITY = "no-system-priority"
"""The name of the quota that refuses pods of Kubernetes' own priority classes; the API server's refusal shows it."""
_RBAC = "rbac.authorization.k8s.io"

_NETWORK = k8s.networking.v1.NetworkPolicySpecArgs(
    pod_selector=k8s.meta.v1.LabelSelectorArgs(),
    policy_types=["Ingress"],
    ingress=[
        k8s.networking.v1.NetworkPolicyIngressRuleArgs(
            from_=[k8s.networking.v1.NetworkPolicyPeerArgs(pod_selector=k8s.meta.v1.LabelSelectorArgs())]
        )
    ],
)
"""Allows traffic from the same namespace only. It has an effect only with a CNI that enforces policies."""

_NO_SYSTEM_PRIORITY = k8s.core.v1.ResourceQuotaSpecArgs(
    hard={"pods": "0"},
    scope_selector=k8s.core.v1.ScopeSelectorArgs(
        match_expressions=[
            k8s.core.v1.ScopedResourceSelectorRequirementArgs(
                scope_name="PriorityClass",
                operator="In",
                values=["system-node-critical", "system-cluster-critical"],
            )
        ]
    ),
)
"""Anybody who makes pods may write these classes, and the scheduler then evicts other projects' pods for them."""


def _defaults(limits: Limits) -> k8s.core.v1.LimitRangeItemArgs:
    """A quota on cpu and memory refuses containers that name neither: they get these."""
    return k8s.core.v1.LimitRangeItemArgs(
        type="Container",
        default={"cpu": limits.cpu, "memory": limits.memory},
        default_request={"cpu": limits.requests.cpu, "memory": limits.requests.memory},
    )


def _labels(project: Project) -> dict[str, str]:
    level = project.pod_security
    return {
        images.PROJECT: "true",
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/warn": "restricted" if level != "privileged" else level,
    }


def quota(project: Project, gpus: Sequence[str]) -> dict[str, str]:
    """`spec.hard` of the project's ResourceQuota; `gpus` are its keys for GPUs."""
    bounds = {"cpu": project.cpu, "memory": project.memory}
    hard = {f"{what}.{name}": value for name, value in bounds.items() if value for what in ("requests", "limits")}
    storage = {"requests.storage": project.storage} if project.storage else {}
    return {**hard, "pods": str(project.pods), **dict.fromkeys(gpus, str(project.gpus)), **storage}


def _holders(project: Project, subjects: Mapping[str, str]) -> list[k8s.rbac.v1.SubjectArgs]:
    names = [subjects[member] for member in project.members]
    return [
        *(k8s.rbac.v1.SubjectArgs(kind="User", name=name, api_group=_RBAC) for name in names),
        *(k8s.rbac.v1.SubjectArgs(kind="Group", name=group, api_group=_RBAC) for group in project.groups),
    ]
