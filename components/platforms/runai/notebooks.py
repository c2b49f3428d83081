"""Kubeflow's side of its users' projects: profiles, what a notebook's form offers, and who may reach notebooks.

Rows: R10.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Resource, ResourceOptions

from components.hostrun.hook import Hook
from components.hostrun.target import Target
from components.kubernetes.force import FORCE
from components.kubernetes.handle import ClusterRef, before
from components.kubernetes.plane import NobodyError, lacking_kinds
from components.parts.part import Ground
from components.platforms.runai import kubeflow
from components.platforms.runai.config import Kubeflow, Runai

KINDS = ("profiles.kubeflow.org", "poddefaults.kubeflow.org")


class NoKubeflowError(Exception):
    """Kubeflow is not in the cluster, or no control plane could say. str() is `host [kubeflow] …`."""


class Notebooks:
    """Makes the objects in each user's namespace, once Run:ai has taken it as a project."""

    def __init__(
        self, name: str, config: Runai, of: Kubeflow, ground: Ground, cluster: ClusterRef, *, parent: Resource
    ) -> None:
        self._name, self._config, self._of, self._ground = name, config, of, ground
        self._cluster, self._parent = cluster, parent
        self._hook = Hook(f"{name}-kubeflow-there")

    def open(self, projects: Mapping[str, Resource]) -> None:
        """For each of Kubeflow's users; `projects` are Run:ai's, by name."""
        for project, user in kubeflow.projects(self._config).items():
            if project not in projects:
                continue  # a check has said so
            profile = self._profile(project, user, projects[project])
            for name, spec in kubeflow.pod_defaults(self._config, project):
                options = self._cluster.options(self._parent, profile)
                self._object(f"{project}-{name}", "kubeflow.org/v1alpha1", "PodDefault", (project, name), spec, options)
            self._reachable(project)

    def _profile(self, project: str, user: str, after: Resource) -> Resource:
        """It stays when it is taken out, as the namespace does: Kubeflow would delete the one with the other."""
        options, resource = self._cluster.options(self._parent, after), f"{project}-profile"
        options.retain_on_delete = True
        there = partial(must_be_there, self._cluster.planes, self._name)
        before(options, self._hook.on(f"{self._name}-{resource}", there), update=False)
        owner = {"kind": "User", "name": self._ground.users[user].email}
        return self._object(resource, "kubeflow.org/v1", "Profile", (None, project), {"owner": owner}, options)

    def _object(
        self,
        resource: str,
        api: str,
        kind: str,
        place: tuple[str | None, str],
        spec: Mapping[str, Any],
        options: ResourceOptions,
    ) -> Resource:
        namespace, name = place
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{resource}",
            api_version=api,
            kind=kind,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, namespace=namespace, annotations=FORCE),
            spec=spec,
            opts=options,
        )

    def _reachable(self, project: str) -> None:
        """Lets Kubeflow's own pods, and the gateway in front of them, to a project that is closed to all others."""
        names = k8s.meta.v1.LabelSelectorRequirementArgs(
            key="kubernetes.io/metadata.name", operator="In", values=list(self._of.namespaces)
        )
        allowed = k8s.networking.v1.NetworkPolicyPeerArgs(
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_expressions=[names])
        )
        k8s.networking.v1.NetworkPolicy(
            f"{self._name}-{project}-reachable",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="kubeflow", namespace=project, annotations=FORCE),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(
                pod_selector=k8s.meta.v1.LabelSelectorArgs(),
                policy_types=["Ingress"],
                ingress=[k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=[allowed])],
            ),
            opts=self._cluster.options(self._parent),
        )


async def must_be_there(control_planes: Sequence[Target], name: str) -> None:
    """Asks the `control_planes` in turn until one answers whether the cluster has Kubeflow's kinds; changes nothing.

    Raises NoKubeflowError.
    """
    try:
        plane, lacking = await lacking_kinds(control_planes, KINDS)
    except NobodyError as error:
        raise NoKubeflowError(error.told("kubeflow", "whether Kubeflow is installed")) from None
    if lacking:
        text = f"the cluster has no {', '.join(lacking)}: Kubeflow is not installed. The rest is done"
        fix = f"install Kubeflow, then pulumi up; or take kubeflow out of {name} in platforms"
        raise NoKubeflowError(f"{plane.name} [kubeflow] {text}. Fix: {fix}")
