"""The GPU Operator as a part (docs/parts/gpu_operator/how-to.md)."""

from collections.abc import Sequence

from components.gpu import pods
from components.parts.gpu_operator import checks, nodes, values
from components.parts.gpu_operator.config import GpuOperator
from components.parts.part import ClusterPart, HostPart, Part, Probe

NAMESPACE = "gpu-operator"


def _probes(config: GpuOperator) -> Sequence[Probe]:
    """The operator, and what it must have brought."""
    found = [Probe("deployment", "gpu-operator", NAMESPACE)]
    if config.nfd:
        found.append(Probe("daemonset", "gpu-operator-node-feature-discovery-worker", NAMESPACE))
    if not config.dra:
        found.append(Probe("daemonset", "nvidia-device-plugin-daemonset", NAMESPACE))
    if config.dcgm.enabled:
        found.append(Probe("daemonset", "nvidia-dcgm-exporter", NAMESPACE))
    return [*found, *([Probe("job", pods.SMOKE, NAMESPACE)] if config.smoke else [])]


PART: Part[GpuOperator] = Part(
    config=GpuOperator,
    checks=checks.checks,
    asks=lambda config: frozenset({"monitoring"}) if config.dcgm.service_monitor else frozenset(),
    uses=frozenset({"monitoring"}),
    gives=frozenset({"gpu-driver", "gpu-pods"}),
    version=lambda config: (("version",), config.version.removeprefix("v")),
    host=HostPart(
        uses=lambda _, hosts: tuple(pods.with_gpus(hosts)),
        waves=lambda *_: (),
        prepare=nodes.prepare,
        devices=values.devices,
    ),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "privileged"},
        component="components.parts.gpu_operator.component:Operator",
        probes=_probes,
        offers=lambda config, ground: nodes.offers(config, ground.hosts),
        bounds=lambda config, ground: nodes.bounds(config, ground.hosts),
    ),
)
