"""Kubernetes on the site's hosts, and what runs in it."""

from collections.abc import Mapping
from functools import partial

import pulumi

from components.hostrun.layer import HostRef
from components.hostrun.target import Target
from components.kubernetes.component import Cluster
from components.network.component import PodNetwork
from components.network.config import Flannel
from components.tenancy.component import Tenancy
from stacks import plan
from stacks.config import Site


def build(site: Site, refs: Mapping[str, HostRef], targets: Mapping[str, Target]) -> dict[str, pulumi.Input[object]]:
    """Builds the cluster, its pod network and tenants; returns what the stack gives of them."""
    cluster = Cluster(
        site.name,
        site.hosts,
        planes=site.control_planes,
        refs=refs,
        targets=targets,
        node=partial(plan.node, site),
    )
    if isinstance(site.network.pods, Flannel):
        PodNetwork("pods", site.network, site.network.pods, cluster=cluster.ref)
    Tenancy("tenants", site.tenants, cluster=cluster.ref)
    return {"endpoint": site.endpoint, "kubeconfig": cluster.ref.kubeconfig}
