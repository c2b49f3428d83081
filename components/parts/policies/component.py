"""kube-router's firewall in the cluster: a pod on each node, and what it may read.

Rows: K4.
"""

from collections.abc import Callable
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts.part import Ground
from components.parts.policies import plan
from components.parts.policies.config import Policies

_RBAC = "rbac.authorization.k8s.io"


class Agent(ComponentResource):
    """Its account and role, then the DaemonSet."""

    def __init__(
        self,
        name: str,
        config: Policies,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],  # noqa: ARG002 - it has none
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:PolicyAgent", name, {}, opts)
        options = cluster.options(self)
        rules: Any = plan.RULES
        inside = k8s.meta.v1.ObjectMetaArgs(name=plan.NAME, namespace=plan.NAMESPACE, annotations=FORCE)
        of_all = k8s.meta.v1.ObjectMetaArgs(name=plan.NAME, annotations=FORCE)
        account = k8s.core.v1.ServiceAccount(f"{name}-account", metadata=inside, opts=options)
        role = k8s.rbac.v1.ClusterRole(f"{name}-role", metadata=of_all, rules=rules, opts=options)
        reads = k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-reads",
            metadata=of_all,
            role_ref=k8s.rbac.v1.RoleRefArgs(api_group=_RBAC, kind="ClusterRole", name=plan.NAME),
            subjects=[k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=plan.NAME, namespace=plan.NAMESPACE)],
            opts=options,
        )
        spec: Any = plan.daemon_set(config.image, ground.network.service_subnet)
        k8s.apps.v1.DaemonSet(
            f"{name}-agent", metadata=inside, spec=spec, opts=cluster.options(self, account, role, reads)
        )
        self.register_outputs({})
