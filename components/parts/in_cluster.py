"""A part in the cluster: its namespaces, then its own component, then what each project and each user gets of it."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef
from components.model import Model
from components.parts.part import ClusterPart, Ground


class InCluster(ComponentResource):
    """One part's objects. They wait for all that `cluster` names as ready."""

    def __init__(
        self,
        name: str,
        token: str,
        part: ClusterPart[Any],
        config: Model,
        *,
        ground: Ground,
        cluster: ClusterRef,
        secret: Callable[[str], Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(token, name, {}, opts)
        made = [self._namespace(namespace, level, cluster) for namespace, level in part.all_namespaces(config).items()]
        within = replace(cluster, ready=(*cluster.ready, *made))
        child = ResourceOptions(parent=self)
        whole = _class(part.component)(name, config, ground=ground, cluster=within, secret=secret, opts=child)
        within = replace(within, ready=(*within.ready, whole))
        given = {"ground": ground, "cluster": within, "secret": secret, "opts": child}
        if part.project:
            for project in ground.projects:
                _class(part.project)(f"{name}-{project}", config, project=project, **given)
        if part.user:
            for user in ground.users:
                _class(part.user)(f"{name}-{user}", config, user=user, **given)
        self.register_outputs({})

    def _namespace(self, name: str, level: str, cluster: ClusterRef) -> Resource:
        warn = level if level == "privileged" else "restricted"
        labels = {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/warn": warn}
        return k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": name, "labels": labels, "annotations": FORCE},
            opts=cluster.options(self),
        )


def _class(place: str) -> Callable[..., ComponentResource]:
    module, _, name = place.partition(":")
    found: Callable[..., ComponentResource] = getattr(import_module(module), name)
    return found
