"""The values of both charts. Pure, but for secrets, which the component puts in.

Rows: R3, R4, R5, R11.
"""

from collections.abc import Mapping
from typing import Any

from components.gpu.pods import named
from components.kubernetes.kubeadm import taints
from components.parts.chart import Source, merged
from components.parts.ingress.plan import CLASS
from components.parts.part import Ground
from components.platforms.runai import nodes, places, versions
from components.platforms.runai.config import Release, Runai

Values = dict[str, Any]

CONTROL_PLANE_BY = {
    "global.domain": "domain",
    "global.ingress": "network.ingress",
    "global.customCA": "authority",
    "global.affinity": "nodes.system",
    "global.tolerations": "the taints of nodes.system",
    "tenantsManager.config": "admin",
    "postgresql.primary.persistence.storageClass": "storageClass",
    "thanos.receive.persistence.storageClass": "storageClass",
    "supportEntitled": "supported",
}
"""Value of the chart control-plane → the key that decides it."""
CLUSTER_BY = {
    "controlPlane": "domain",
    "cluster.uid": "clusterUid",
    "cluster.url": "domain",
    "global.image.registry": "registry.images",
    "global.customCA": "authority",
    "global.affinity": "nodes.system",
    "global.tolerations": "the taints of nodes.system",
    "clusterConfig.global.ingress": "network.ingress",
    "clusterConfig.global.nodeAffinity": "nodes",
    "clusterConfig.project-controller.createNamespaces": "projects of the site",
    "clusterConfig.prometheus.spec.baseImage": "registry.prometheus",
    "clusterConfig.global.core": "scheduling",
    "clusterConfig.pod-grouper.args": "scheduling",
    "clusterConfig.runai-scheduler.args": "scheduling",
}
"""The same of the chart runai-cluster."""

PASSWORD = {"tenantsManager": {"config": {"adminPassword": "••••"}}}
"""What the component adds to the first, as checks see it."""
CREDENTIAL = {"controlPlane": {"bootstrapToken": "••••"}, "cluster": {"uid": "••••"}}
"""What it adds to the second."""


def source(config: Runai, release: Release, name: str) -> Source:
    """Where a chart is, in the version of Run:ai. A chart in a repository has the release's, or the open one."""
    chart = release.chart or name
    return Source(chart, config.version, None if "/" in chart else release.repository or versions.OPEN)


def control_plane(config: Runai, ground: Ground) -> Values:
    """What typed keys decide of the control plane, but the password."""
    found: Values = {
        "global": {
            "domain": places.domain(config, ground),
            "ingress": {"ingressClass": CLASS, "tlsSecretName": places.BACKEND_TLS},
            **shared(config, ground),
        },
        "tenantsManager": {"config": {"adminUsername": config.admin.email}},
    }
    if config.supported:
        found["supportEntitled"] = True
    if config.storage_class:
        claims = {"persistence": {"storageClass": config.storage_class}}
        found |= {"postgresql": {"primary": claims}, "thanos": {"receive": claims}}
    return found


def own_database(config: Runai) -> bool:
    """Whether the chart brings the control plane's database; else it is the site's people's, and so are its backups."""
    postgresql = config.control_plane.values.get("postgresql")
    return not (isinstance(postgresql, dict) and postgresql.get("enabled") is False)


def cluster(config: Runai, ground: Ground) -> Values:
    """What typed keys decide of the cluster, but its uid and credential."""
    domain = places.domain(config, ground)
    config_of = {
        "global": {
            "ingress": {"ingressClass": CLASS},
            "subdomainSupport": True,
            "nodeAffinity": {
                "restrictScheduling": nodes.restricted(config),
                "restrictRunaiSystem": bool(config.nodes.system),
            },
        },
        # The projects' namespaces are the site's own.
        "project-controller": {"createNamespaces": False},
    }
    found: Values = {
        "controlPlane": {"url": f"https://{domain}"},
        "cluster": {"url": domain},
        "global": shared(config, ground),
        "researcherService": {"ingress": {"tlsSecret": places.CLUSTER_TLS}},
        "clusterConfig": merged(config_of, _scheduling(config)),
    }
    if registry := config.registry:
        # The login's Secret has the name that the chart itself looks for.
        found = merged(found, {"global": {"image": {"registry": registry.images}}})
        if registry.prometheus:
            spec = {"spec": {"baseImage": registry.prometheus}}
            found = merged(found, {"clusterConfig": {"prometheus": spec}})
    return found


def shared(config: Runai, ground: Ground) -> Values:
    """What both charts have under `global`: where their pods may run, and whom they trust."""
    found: Values = {"customCA": {"enabled": True}} if config.authority else {}
    if not config.nodes.system:
        return found
    chosen = {"matchExpressions": [{"key": nodes.SYSTEM, "operator": "In", "values": ["true"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [chosen]}}
    found["affinity"] = {"nodeAffinity": required}
    own = (taint for name in named(config.nodes.system, ground.hosts) for taint in taints(ground.hosts[name]))
    if tolerated := {(taint["key"], taint["effect"]): None for taint in own}:
        found["tolerations"] = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in tolerated]
    return found


def _scheduling(config: Runai) -> Values:
    of = config.scheduling
    places_of: Mapping[str, object] = {
        "global.core.dynamicFractions.enabled": of.dynamic_fractions,
        "global.core.timeSlicing.mode": of.time_slicing,
        "pod-grouper.args.gangScheduleArgoWorkflow": of.gang_argo,
        "pod-grouper.args.gangSchedulingKnative": of.gang_knative,
        "runai-scheduler.args.fullHierarchyFairness": of.hierarchy_fairness,
        "runai-scheduler.args.defaultStalenessGracePeriod": of.grace,
    }
    found: Values = {}
    for place, value in places_of.items():
        if value is not None:
            nested: object = value
            for part in reversed(place.split(".")):
                nested = {part: nested}
            found = merged(found, nested)  # type: ignore[arg-type]  # a map, since each place has a part
    return found
