"""NVIDIA's Network Operator as a part (docs/parts/network_operator/how-to.md)."""

from collections.abc import Sequence

from components.parts.network_operator import checks, nodes, notes
from components.parts.network_operator.config import NetworkOperator, Shared
from components.parts.network_operator.objects import NAMESPACE, POLICY
from components.parts.part import ClusterPart, Expected, HostPart, Part, Probe

RELEASE = "network-operator"
"""Also the name of its Deployment."""


def _probes(config: NetworkOperator) -> Sequence[Probe]:
    """The operator, and what it must have brought."""
    found = [Probe("deployment", RELEASE, NAMESPACE)]
    if config.nfd:
        found.append(Probe("daemonset", f"{RELEASE}-node-feature-discovery-worker", NAMESPACE))
    if any(isinstance(pool, Shared) for pool in config.pools.values()):
        found.append(Probe("daemonset", "rdma-shared-dp-ds", NAMESPACE))
    if nodes.sriov(config):
        found.append(Probe("deployment", f"{RELEASE}-sriov-network-operator", NAMESPACE))
    if config.networks:
        found.append(Probe("daemonset", "kube-multus-ds", NAMESPACE))
        found.append(Probe("daemonset", "cni-plugins-ds", NAMESPACE))
    return found


def _expected(_: NetworkOperator) -> Sequence[Expected]:
    """The operator's own verdict of all that its policy asks for."""
    fix = f"on a control plane: kubectl describe nicclusterpolicy {POLICY} names the part that is not ready"
    return [Expected("policy", f"nicclusterpolicy {POLICY}", "{.status.state}", "ready", "its state", fix)]


PART: Part[NetworkOperator] = Part(
    config=NetworkOperator,
    checks=checks.checks,
    notes=notes.notes,
    asks=lambda config: frozenset({"gpu-pods"}) if config.gpu_direct != "off" else frozenset(),
    version=lambda config: (("version",), config.version),
    host=HostPart(
        uses=lambda config, hosts: tuple(nodes.serving(config, hosts)),
        waves=lambda *_: (),
        prepare=nodes.prepare,
        preflight=nodes.preflight,
    ),
    cluster=ClusterPart(
        namespaces={NAMESPACE: "privileged"},
        component="components.parts.network_operator.component:Operator",
        probes=_probes,
        expected=_expected,
        offers=lambda config, ground: nodes.offers(config, ground.hosts),
    ),
)
