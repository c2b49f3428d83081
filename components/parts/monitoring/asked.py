"""What `sitectl verify` asks about monitoring. Pure."""

from collections.abc import Sequence
from pathlib import Path

from components.parts.gpu_operator import nodes
from components.parts.gpu_operator.config import GpuOperator
from components.parts.monitoring.config import Monitoring
from components.parts.monitoring.values import ALERTMANAGER, NAMESPACE, RELEASE, WHOLE, asked
from components.parts.part import Ground, Hosts, Probe, Question

_HERE = Path(__file__).parent


def members(hosts: Hosts) -> list[str]:
    """The hosts that are nodes of the cluster."""
    return [name for name, host in hosts.items() if host.state != "gone" and host.roles]


def probes(config: Monitoring) -> Sequence[Probe]:
    """What the chart and its operator must have brought."""
    if config.kind == "existing":
        return ()
    found = [
        Probe("deployment", f"{WHOLE}-operator", NAMESPACE),
        Probe("statefulset", f"prometheus-{WHOLE}-prometheus", NAMESPACE),
    ]
    if config.alertmanager:
        found.append(Probe("statefulset", f"alertmanager-{ALERTMANAGER}", NAMESPACE))
    if config.grafana:
        found.append(Probe("deployment", f"{RELEASE}-grafana", NAMESPACE))
    if config.kube_state_metrics:
        found.append(Probe("deployment", f"{RELEASE}-kube-state-metrics", NAMESPACE))
    if config.node_exporter:
        found.append(Probe("daemonset", f"{RELEASE}-prometheus-node-exporter", NAMESPACE))
    return found


def questions(config: Monitoring, ground: Ground) -> Sequence[Question]:
    """Whether all that must be measured is, and which alerts fire."""
    service = asked(config)
    if service is None:
        return ()
    at = (service.namespace, service.name, str(service.port))
    jobs = [f"{job}={count}" for job, count in _jobs(config, ground).items()]
    return [
        Question("targets", _HERE / "questions/targets.sh", (*at, *jobs)),
        Question("alerts", _HERE / "questions/alerts.sh", at),
    ]


def _jobs(config: Monitoring, ground: Ground) -> dict[str, int]:
    """By the name of a job: how many targets it must have. Others choose the names of their jobs themselves."""
    if config.kind == "existing":
        return {}
    found = {"node-exporter": len(members(ground.hosts))} if config.node_exporter else {}
    if config.kube_state_metrics:
        found["kube-state-metrics"] = 1
    operator = ground.config(GpuOperator)
    if operator and operator.dcgm.enabled and operator.dcgm.service_monitor is not False:
        found["nvidia-dcgm-exporter"] = len(nodes.serving(operator, ground.hosts))
    return found
