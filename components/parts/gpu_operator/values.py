"""The values of the chart. Pure.

Rows: O1, O2, O5, O6.
"""

from collections.abc import Mapping
from typing import Any

from components.engine.config import Devices
from components.gpu import pods
from components.gpu.mig import Layout
from components.parts import gpu_taints
from components.parts.chart import merged, mirrored
from components.parts.gpu_operator import nodes, versions
from components.parts.gpu_operator.config import GpuOperator
from components.parts.part import Hosts

SOURCES = "gpu-metal-driver-sources"
"""The ConfigMap with the driver's package sources, which the component makes."""
_PLUGIN = "gpu-metal-device-plugin"
_MIG = "gpu-metal-mig"

DECIDED_BY = {
    "driver.enabled": "gpu.driver of the hosts",
    "driver.version": "driver.version",
    "driver.kernelModuleType": "driver.module",
    "driver.repoConfig": "driver.sources",
    "toolkit.enabled": "toolkit",
    "cdi.enabled": "cdi",
    "cdi.nriPluginEnabled": "nri",
    "nfd": "nfd",
    "psa": "psa",
    "dcgmExporter.enabled": "dcgm.enabled",
    "dcgmExporter.serviceMonitor": "dcgm.serviceMonitor",
    "mig": "migStrategy",
    "migManager.config": "pools",
    "devicePlugin.config": "pools",
    "daemonsets.tolerations": "taints of the hosts",
    "node-feature-discovery.worker.tolerations": "taints of the hosts",
    "clusterPolicy": "dra",
    "gpuCluster": "dra",
    **dict.fromkeys(versions.IMAGES, "images"),
}
"""Value of the chart → the key of the site that decides it."""


def toolkit(config: GpuOperator, hosts: Hosts) -> bool:
    """Whether the operator installs the toolkit, and so owns containerd's settings for it."""
    return not nodes.with_toolkit(config, hosts) if config.toolkit is None else config.toolkit


def devices(config: GpuOperator, hosts: Hosts) -> Devices | None:
    """How containerd gives pods their GPUs. With its own toolkit, the operator makes NVIDIA's runtime read CDI names
    where containerd does not (getContainerRuntimeInfo in controllers/state_manager.go), but for claims of DRA.
    """
    if config.nri:
        return "nri"
    return "cdi" if config.dra or (config.cdi and not toolkit(config, hosts)) else None


def runtime_class(config: GpuOperator, hosts: Hosts) -> str | None:
    """The runtime class that pods need to see their GPUs. None with CDI, and where that runtime is the default: the
    operator's own toolkit makes it so without CDI, the hosts' own only where the site says so.
    """
    own = [hosts[name].gpu for name in nodes.with_toolkit(config, hosts)]
    default = all(gpu.toolkit.default_runtime for gpu in own if gpu and gpu.toolkit)
    return None if config.cdi or default else "nvidia"


def values(config: GpuOperator, hosts: Hosts, *, monitored: bool = False) -> dict[str, Any]:
    """All values, of which ours win."""
    return merged(config.values, ours(config, hosts, monitored=monitored))


def ours(config: GpuOperator, hosts: Hosts, *, monitored: bool = False) -> dict[str, Any]:
    """The values that the typed keys decide. `monitored`: whether the site has the Prometheus Operator."""
    scraped = monitored if config.dcgm.service_monitor is None else config.dcgm.service_monitor
    found: dict[str, Any] = {
        "driver": _driver(config, bool(nodes.with_driver(config, hosts))),
        "toolkit": {"enabled": toolkit(config, hosts)},
        "cdi": {"enabled": config.cdi, "nriPluginEnabled": config.nri},
        "nfd": {"enabled": config.nfd},
        "psa": {"enabled": config.psa},
        "dcgmExporter": {
            "enabled": config.dcgm.enabled,
            "serviceMonitor": {"enabled": config.dcgm.enabled and scraped},
        },
        "mig": {"strategy": config.mig_strategy},
        "clusterPolicy": {"deployCR": not config.dra},
        "gpuCluster": {"deployCR": config.dra},
    }
    if tolerations := gpu_taints.tolerations(nodes.serving(config, hosts)):
        found["daemonsets"] = {"tolerations": tolerations}
        found["node-feature-discovery"] = {"worker": {"tolerations": tolerations}}
    if layouts := {name: pool.mig for name, pool in config.pools.items() if pool.mig}:
        found["migManager"] = {"config": {"create": True, "name": _MIG, "data": {"config.yaml": mig_config(layouts)}}}
    if pods.shared(config.pools):
        offered = {name: list(nodes.resources(config, pool)) for name, pool in config.pools.items()}
        data = pods.plugin_configs(config.pools, offered)
        found["devicePlugin"] = {"config": {"create": True, "name": _PLUGIN, "default": "default", "data": data}}
    return merged(found, mirrored(versions.IMAGES, config.images)) if config.images else found


def _driver(config: GpuOperator, wanted: bool) -> dict[str, Any]:
    if not wanted:
        return {"enabled": False}
    found: dict[str, Any] = {"enabled": True}
    if config.driver is None:
        return found
    found["kernelModuleType"] = config.driver.module
    if config.driver.version:
        found["version"] = config.driver.version
    if config.driver.sources:
        found["repoConfig"] = {"configMapName": SOURCES}
    return found


def mig_config(layouts: Mapping[str, Layout]) -> str:
    """The MIG manager's configuration: one for each pool, and whole GPUs for all other hosts."""
    lines = ["version: v1", "mig-configs:", "  all-disabled:", "  - devices: all", "    mig-enabled: false"]
    for name, layout in layouts.items():
        lines += [f"  {name}:", "  - devices: all", "    mig-enabled: true", "    mig-devices:"]
        lines += [f'      "{profile}": {count}' for profile, count in layout.items()]
    return "\n".join(lines) + "\n"
