"""Tenants: a namespace each, with quota, limit range, network policy and role binding.

Rows: S4.
"""

from collections.abc import Mapping

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, ResourceOptions

from components.kubernetes.handle import FORCE, ClusterRef
from components.tenancy.config import Quota, Tenant


class Tenancy(ComponentResource):
    """Five Kubernetes objects a tenant, six with members; they go with the cluster when it goes."""

    def __init__(
        self, name: str, tenants: Mapping[str, Tenant], *, cluster: ClusterRef, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("gpu-metal:tenancy:Tenancy", name, {}, opts)
        for tenant_name, tenant in tenants.items():
            self._tenant(tenant_name, tenant, cluster)
        self.register_outputs({})

    def _tenant(self, name: str, tenant: Tenant, cluster: ClusterRef) -> None:
        top = cluster.options(self)
        namespace = k8s.core.v1.Namespace(
            name, metadata={"name": name, "labels": _labels(tenant), "annotations": FORCE}, opts=top
        )
        inside = cluster.options(self, namespace)
        metadata = k8s.meta.v1.ObjectMetaArgs(name="tenant", namespace=name, annotations=FORCE)
        k8s.core.v1.ResourceQuota(
            f"{name}-quota",
            metadata=metadata,
            spec=k8s.core.v1.ResourceQuotaSpecArgs(hard=_hard(tenant.quota)),
            opts=inside,
        )
        k8s.core.v1.LimitRange(
            f"{name}-limits",
            metadata=metadata,
            spec=k8s.core.v1.LimitRangeSpecArgs(limits=[_DEFAULT_LIMITS]),
            opts=inside,
        )
        k8s.networking.v1.NetworkPolicy(f"{name}-network", metadata=metadata, spec=_NETWORK, opts=inside)
        if subjects := _subjects(tenant):
            k8s.rbac.v1.RoleBinding(
                f"{name}-edit",
                metadata=metadata,
                role_ref=k8s.rbac.v1.RoleRefArgs(api_group=_RBAC, kind="ClusterRole", name="edit"),
                subjects=subjects,
                opts=inside,
            )


_RBAC = "rbac.authorization.k8s.io"

_DEFAULT_LIMITS = k8s.core.v1.LimitRangeItemArgs(
    type="Container",
    default={"cpu": "1", "memory": "1Gi"},
    default_request={"cpu": "100m", "memory": "128Mi"},
)
"""A quota on cpu and memory refuses pods that name neither: they get these."""

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


def _labels(tenant: Tenant) -> dict[str, str]:
    level = tenant.pod_security
    return {
        "gpu-metal/tenant": "true",
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/warn": "restricted" if level != "privileged" else level,
    }


def _hard(quota: Quota) -> dict[str, str]:
    return {
        "requests.cpu": quota.cpu,
        "limits.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "limits.memory": quota.memory,
        "pods": str(quota.pods),
        "requests.nvidia.com/gpu": str(quota.gpus),
    }


def _subjects(tenant: Tenant) -> list[k8s.rbac.v1.SubjectArgs]:
    return [
        *(k8s.rbac.v1.SubjectArgs(kind="User", name=member, api_group=_RBAC) for member in tenant.members),
        *(k8s.rbac.v1.SubjectArgs(kind="Group", name=group, api_group=_RBAC) for group in tenant.groups),
    ]
