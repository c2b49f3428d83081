"""The example in the cluster: a pod that stands for the page, and a note of it for each project.

Rows: Z2.
"""

from collections.abc import Callable

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.parts.example import steps
from components.parts.example.config import Example
from components.parts.example.versions import IMAGE
from components.parts.part import Ground

_NAMESPACE = "example"
_LABELS = {"app.kubernetes.io/name": "example"}


class Board(ComponentResource):
    """A ConfigMap and a Deployment of one pod."""

    def __init__(
        self,
        name: str,
        config: Example,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],  # noqa: ARG002 - it has none
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:ExampleBoard", name, {}, opts)
        k8s.core.v1.ConfigMap(
            f"{name}-page",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="page", namespace=_NAMESPACE, annotations=FORCE),
            data=_told(config, ground),
            opts=cluster.options(self),
        )
        k8s.apps.v1.Deployment(
            f"{name}-board",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="board", namespace=_NAMESPACE, labels=_LABELS, annotations=FORCE),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=_LABELS),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=_LABELS), spec=_POD
                ),
            ),
            opts=cluster.options(self),
        )
        self.register_outputs({})


class Notice(ComponentResource):
    """The page's address, in a project's namespace."""

    def __init__(
        self,
        name: str,
        config: Example,
        *,
        project: str,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],  # noqa: ARG002 - it has none
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:parts:ExampleNotice", name, {}, opts)
        k8s.core.v1.ConfigMap(
            f"{name}-notice",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="example", namespace=project, annotations=FORCE),
            data=_told(config, ground),
            opts=cluster.options(self),
        )
        self.register_outputs({})


def _told(config: Example, ground: Ground) -> dict[str, str]:
    return {"title": config.title, "url": steps.url(config, ground.hosts)}


_POD = k8s.core.v1.PodSpecArgs(
    containers=[
        k8s.core.v1.ContainerArgs(
            name="board",
            image=IMAGE,
            resources=k8s.core.v1.ResourceRequirementsArgs(requests={"cpu": "10m", "memory": "16Mi"}),
            security_context=k8s.core.v1.SecurityContextArgs(
                allow_privilege_escalation=False,
                capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
                read_only_root_filesystem=True,
            ),
        )
    ],
    security_context=k8s.core.v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=65534,
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    ),
)
"""As the namespace's Pod Security level `restricted` wants it."""
