"""What the rooms above the cluster are given of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

import pulumi_kubernetes as k8s
from pulumi import ErrorHook, Input, Output, Resource, ResourceHook, ResourceHookBinding, ResourceOptions

from components.hostrun.hook import Hook
from components.hostrun.layer import HostRef
from components.hostrun.target import Target
from components.kubernetes.kinds import Kinds
from components.kubernetes.release import forget, unblock


class Chart(Protocol):
    """What a chart is got by."""

    @property
    def chart(self) -> Input[str]:
        """Its name in the repository, a path, or an oci:// address."""

    @property
    def version(self) -> str:
        """Its exact version."""

    @property
    def repository(self) -> str | None:
        """Address of the chart repository."""


def before(options: ResourceOptions, *hooks: ResourceHook, update: bool = True) -> None:
    """Adds hooks to the options of an object: before it is created and, with `update`, before it is changed."""
    assert options.hooks is not None  # noqa: S101 - ClusterRef.options sets them
    options.hooks.before_create = [*hooks]
    options.hooks.before_update = [*hooks] if update else None


@dataclass(frozen=True, slots=True)
class ClusterRef:
    """The provider to talk to the cluster, when it is ready, and the resource that it goes with."""

    provider: k8s.Provider
    kubeconfig: Output[str]
    ready: tuple[Resource, ...]
    anchor: Resource
    planes: Sequence[Target]
    releases: Hook
    """Before a Helm release is created or changed; one for all of them."""
    refused: ErrorHook
    """After an object was not written."""
    hosts: Mapping[str, HostRef] = field(default_factory=dict)
    """The hosts of the site, after what parts have there."""

    def options(self, parent: Resource, *depends_on: Resource) -> ResourceOptions:
        """Options of an object in the cluster: it needs no delete of its own when the cluster itself goes."""
        return ResourceOptions(
            parent=parent,
            provider=self.provider,
            depends_on=[*self.ready, *depends_on],
            deleted_with=self.anchor,
            hooks=ResourceHookBinding(on_error=[self.refused]),
        )

    def release(
        self,
        parent: Resource,
        resource: str,
        place: tuple[str, str],
        chart: Chart,
        values: Mapping[str, Any],
        *depends_on: Resource,
        guard: ResourceHook | None = None,
        crds: Kinds | Literal["newer"] | None = None,
        jobs: bool = False,
    ) -> k8s.helm.v3.Release:
        """A Helm release, which is taken over where Helm knows it and this state does not, and where a run was killed
        while Helm changed it (release.py).

        `place`: its namespace and its name in Helm. `guard` runs before an installation and before an upgrade, and may
        refuse it. `crds`: kinds that must not be another's; or "newer", if the chart brings newer ones by a hook, which
        comes after Helm has compared its objects with the CRDs there, so that comparison is left out. `jobs`: it is
        done when the pods of its Jobs have ended well, too.
        """
        namespace, name = place
        at = self.planes, namespace, name
        hook = self.releases.on(
            resource, partial(forget, *at, crds if isinstance(crds, Kinds) else None), partial(unblock, *at)
        )
        options = self.options(parent, *depends_on)
        before(options, *([hook, guard] if guard else [hook]))
        return k8s.helm.v3.Release(
            resource,
            name=name,
            namespace=namespace,
            chart=chart.chart,
            version=chart.version,
            repository_opts={"repo": chart.repository} if chart.repository else None,
            values=values,
            opts=options,
            disable_openapi_validation=crds == "newer" or None,
            wait_for_jobs=jobs or None,
        )
