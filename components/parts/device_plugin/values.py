"""The values of the chart, the hosts that it serves, and what their nodes offer to pods. Pure.

Rows: O3, O6.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from components.gpu import mig, pods
from components.gpu.config import Toolkit
from components.host.config import Host
from components.parts import gpu_taints
from components.parts.chart import merged, mirrored
from components.parts.device_plugin import versions
from components.parts.device_plugin.config import DevicePlugin
from components.parts.part import Hosts

PRESENT = "nvidia.com/gpu.present"
"""The label by which the chart finds nodes with GPUs where no feature discovery runs."""

_MPS = "nvidia.com/mps.capable"
"""The label by which the chart finds nodes for MPS's own daemon, without which the plugin there offers nothing. Feature
discovery gives it too, where it runs. Source: templates/daemonset-mps-control-daemon.yml of the chart."""

DECIDED_BY = {
    "migStrategy": "migStrategy",
    "deviceListStrategy": "strategy",
    "runtimeClassName": "gpu.toolkit.defaultRuntime of the hosts",
    "gfd.enabled": "gpuFeatureDiscovery",
    "config": "pools",
    "tolerations": "taints of the hosts",
    "nfd.worker.tolerations": "taints of the hosts",
    **dict.fromkeys(versions.IMAGES, "images"),
}
"""Value of the chart → the key of the site that decides it."""


def prepare(config: DevicePlugin, host: Host, hosts: Hosts) -> Host:
    """The host with the labels by which the plugin finds it."""
    found = {PRESENT: "true"}
    name = pods.pool_of(config.pools, host.name, hosts)
    if name in pods.shared(config.pools):
        found[pods.CONFIG] = str(name)
    if name and config.pools[name].mps:
        found[_MPS] = "true"
    return host.model_copy(update={"labels": {**found, **host.labels}})


def offers(config: DevicePlugin, hosts: Hosts) -> Mapping[str, Mapping[str, int]]:
    """By host: what its node offers. Nothing with MIG: who divides the GPUs, and how, is not this part's matter."""
    found: dict[str, Mapping[str, int]] = {}
    for name, host in pods.with_gpus(hosts).items():
        if config.mig_strategy == "none" and host.gpu:
            pool = pods.pool_of(config.pools, name, hosts)
            found[name] = {pods.RESOURCE: host.gpu.count * (config.pools[pool].replicas if pool else 1)}
    return found


def bounds(config: DevicePlugin, hosts: Hosts) -> Sequence[str]:
    """The keys of a quota for what pods may ask for besides nvidia.com/gpu."""
    return mig.bounds(pods.with_gpus(hosts).values()) if config.mig_strategy == "mixed" else []


def values(config: DevicePlugin, hosts: Hosts) -> dict[str, Any]:
    """All values, of which ours win."""
    return merged(config.values, ours(config, hosts))


def ours(config: DevicePlugin, hosts: Hosts) -> dict[str, Any]:
    """The values that the typed keys decide."""
    found: dict[str, Any] = {
        "migStrategy": config.mig_strategy,
        "deviceListStrategy": strategy(config, hosts),
        "gfd": {"enabled": config.gpu_feature_discovery},
    }
    if runtime := runtime_class(hosts):
        found["runtimeClassName"] = runtime
    if tolerations := gpu_taints.tolerations(pods.with_gpus(hosts)):
        found |= {"tolerations": tolerations, "nfd": {"worker": {"tolerations": tolerations}}}
    if pods.shared(config.pools):
        data = pods.plugin_configs(config.pools, dict.fromkeys(config.pools, (pods.RESOURCE,)))
        found["config"] = {"map": data, "default": "default"}
    return merged(found, mirrored(versions.IMAGES, config.images)) if config.images else found


def runtime_class(hosts: Hosts) -> str | None:
    """The runtime class that sees GPUs; None if each host's containers have that runtime by default."""
    return None if all(toolkit.default_runtime for toolkit in _toolkits(hosts)) else "nvidia"


def strategy(config: DevicePlugin, hosts: Hosts) -> str:
    """How containers are told their GPUs."""
    if config.strategy != "auto":
        return config.strategy
    toolkits = _toolkits(hosts)
    return "cdi-cri" if toolkits and all(toolkit.mode == "cdi" for toolkit in toolkits) else "envvar"


def _toolkits(hosts: Hosts) -> list[Toolkit]:
    return [host.gpu.toolkit for host in pods.with_gpus(hosts).values() if host.gpu and host.gpu.toolkit]
