"""Kubernetes on the site's hosts, and what runs in it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pulumi
from pulumi import Resource

from components.hostrun.layer import HostRef
from components.hostrun.target import Target
from components.kubernetes.component import Cluster
from components.kubernetes.handle import ClusterRef
from components.kubernetes.turn import Turns
from components.network.component import PodNetwork
from components.network.config import Flannel
from components.parts.in_cluster import InCluster
from components.tenancy.component import Tenancy
from components.tenancy.images import Allowed
from stacks import plan
from stacks.ground import belongs, ground, in_order, shares
from stacks.model import Entry, Site
from stacks.needed import drained_taints
from stacks.secrets import Secrets


def build(
    site: Site,
    refs: Mapping[str, HostRef],
    targets: Mapping[str, Target],
    secrets: Secrets,
    turns: Turns,
    returned: Mapping[str, int],
) -> dict[str, pulumi.Input[object]]:
    """Builds the cluster, its pod network, projects and parts; returns their stack outputs."""
    cluster = Cluster(
        site.name,
        site.hosts,
        planes=site.control_planes,
        refs=refs,
        targets=targets,
        layers=partial(plan.cluster, site, returned=returned),
        drained=drained_taints(site),
        turns=turns,
    )
    if isinstance(site.network.pods, Flannel):
        PodNetwork("pods", site.network, site.network.pods, cluster=cluster.ref)
    # A part may have objects in projects' namespaces.
    known = ground(site)
    halves = [(entry.part.cluster, entry.config) for entry in site.entries]
    bounds = [key for half, config in halves if half for key in half.bounds(config, known)]
    projects = Tenancy(
        "projects",
        site.projects,
        known.subjects,
        cluster=cluster.ref,
        bounds=bounds,
        shares=shares(site),
        allowed=Allowed(site.allowed_registries, belongs(site)),
    )
    _parts(site, replace(cluster.ref, ready=(*cluster.ref.ready, projects)), secrets)
    return {"endpoint": site.endpoint, "kubeconfig": cluster.ref.kubeconfig}


def _parts(site: Site, cluster: ClusterRef, secrets: Secrets) -> None:
    """Builds each part's half in the cluster, after the parts that give what it needs or uses."""
    known, done = ground(site), list[tuple[Entry, Resource]]()
    for entry in in_order(site.entries):
        half = entry.part.cluster
        if half and half.made(entry.config):
            after = [made for other, made in done if other.given & entry.follows]
            made = InCluster(
                entry.name,
                entry.token("InCluster"),
                half,
                entry.config,
                ground=known,
                cluster=replace(cluster, ready=(*cluster.ready, *after)),
                secret=secrets.output,
            )
            done.append((entry, made))
