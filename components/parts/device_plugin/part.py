"""NVIDIA's device plugin as a part (docs/parts/device_plugin/how-to.md)."""

from collections.abc import Sequence

from components.gpu import pods
from components.parts.device_plugin import checks, values
from components.parts.device_plugin.config import DevicePlugin
from components.parts.part import ClusterPart, HostPart, Part, Probe

NAMESPACE = "nvidia-device-plugin"
RELEASE = "nvdp"


def _probes(config: DevicePlugin) -> Sequence[Probe]:
    """The plugin on each node with GPUs, and what was asked for beside it."""
    found = [Probe("daemonset", f"{RELEASE}-nvidia-device-plugin", NAMESPACE)]
    if config.gpu_feature_discovery:
        found.append(Probe("daemonset", f"{RELEASE}-nvidia-device-plugin-gpu-feature-discovery", NAMESPACE))
    return [*found, *([Probe("job", pods.SMOKE, NAMESPACE)] if config.smoke else [])]


PART: Part[DevicePlugin] = Part(
    config=DevicePlugin,
    checks=checks.checks,
    notes=checks.notes,
    gives=frozenset({"gpu-pods"}),
    version=lambda config: (("version",), config.version),
    host=HostPart(
        uses=lambda _, hosts: tuple(pods.with_gpus(hosts)),
        waves=lambda *_: (),
        prepare=values.prepare,
        devices=lambda config, hosts: "cdi" if values.strategy(config, hosts) == "cdi-cri" else None,
    ),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "privileged"},
        component="components.parts.device_plugin.component:Plugin",
        probes=_probes,
        offers=lambda config, ground: values.offers(config, ground.hosts),
        bounds=lambda config, ground: values.bounds(config, ground.hosts),
    ),
)
