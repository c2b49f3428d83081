"""The values of the chart. Pure.

Rows: L3.
"""

from typing import Any

from components.parts import gpu_taints
from components.parts.chart import merged, mirrored
from components.parts.gpu_operator.config import GpuOperator
from components.parts.network_operator import nodes, versions
from components.parts.network_operator.config import NetworkOperator
from components.parts.part import Ground

DECIDED_BY = {
    "nfd": "nfd",
    "sriovNetworkOperator.enabled": "the kinds of pools",
    "node-feature-discovery.worker.tolerations": "taints of the hosts",
    **dict.fromkeys(versions.images(versions.VERSION), "images"),
}
"""Value of the chart → the key of the site that decides it."""


def brings_nfd(config: NetworkOperator, ground: Ground) -> bool:
    """Whether Node Feature Discovery comes with it."""
    return ground.config(GpuOperator) is None if config.nfd is None else config.nfd


def values(config: NetworkOperator, ground: Ground) -> dict[str, Any]:
    """All values, of which ours win."""
    return merged(config.values, ours(config, ground))


def ours(config: NetworkOperator, ground: Ground) -> dict[str, Any]:
    """The values that the typed keys decide."""
    gpus = ground.config(GpuOperator)
    found: dict[str, Any] = {
        # The GPU Operator's own discovery labels these cards without the rule, whose kind would come with it: the two
        # releases need no order.
        "nfd": {"enabled": brings_nfd(config, ground), "deployNodeFeatureRules": not (gpus and gpus.nfd)},
        "sriovNetworkOperator": {"enabled": bool(nodes.sriov(config))},
    }
    tolerations = gpu_taints.tolerations(nodes.serving(config, ground.hosts))
    if tolerations and brings_nfd(config, ground):
        found["node-feature-discovery"] = {"worker": {"tolerations": tolerations}}
    images = versions.images(config.version)
    return merged(found, mirrored(images, config.images)) if config.images else found
