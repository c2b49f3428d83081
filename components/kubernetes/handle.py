"""What the rooms above the cluster are given of it."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import Output, Resource, ResourceOptions

FORCE = {"pulumi.com/patchForce": "true"}
"""Annotation of every object of ours: what kubectl changed by hand is then ours again, where the API server would
refuse the change as a conflict. (The provider's own setting is not read by every plugin that is built from source.)"""


@dataclass(frozen=True, slots=True)
class ClusterRef:
    """The provider to talk to the cluster, when it is ready, and the resource that it goes with."""

    provider: k8s.Provider
    kubeconfig: Output[str]
    ready: tuple[Resource, ...]
    anchor: Resource

    def options(self, parent: Resource, *depends_on: Resource) -> ResourceOptions:
        """Options of an object in the cluster: it needs no delete of its own when the cluster itself goes."""
        return ResourceOptions(
            parent=parent,
            provider=self.provider,
            depends_on=[*self.ready, *depends_on],
            deleted_with=self.anchor,
        )
