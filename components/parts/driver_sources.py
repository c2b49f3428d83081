"""Package sources for a driver that is built in a container, as a ConfigMap."""

from collections.abc import Mapping
from pathlib import Path

import pulumi_kubernetes as k8s
from pulumi import Output, Resource, ResourceOptions

from components.kubernetes.force import FORCE


def driver_sources(
    resource: str, namespace: str, called: str, sources: Mapping[str, Path], opts: ResourceOptions
) -> Resource:
    """`sources`: name of a file for apt or dnf → the file on the operator's machine."""
    return k8s.core.v1.ConfigMap(
        resource,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=called, namespace=namespace, annotations=FORCE),
        # An address of a package source may have a password in it, which Pulumi's state must not have in clear.
        data=Output.secret({file: path.read_text() for file, path in sources.items()}),
        opts=opts,
    )
